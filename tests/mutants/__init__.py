"""Do the cases notice a mistake? Each rule and each value set is changed in one place, and a case has to fail."""

import pytest

from rules.engine.vocabulary import ConditionFact
from rules.pack import Pack
from service.fhir.wording import Said, read_wordings


def said(pack: Pack, *texts: str) -> tuple[set[str], bool, bool]:
    """The value sets stated, whether of the past, and whether all is denied."""
    found: Said = read_wordings(texts, ConditionFact, pack.terminology)
    return {match.value_set for match in found.stated}, found.past, found.denied


@pytest.mark.parametrize(
    "text",
    [
        *("DVT", "deep vein thrombosis", "Deep venous thrombosis (disorder)", "DVT - left leg", "left popliteal dvt"),
        *("Chronic DVT, not otherwise specified", "DVT not elsewhere classified", "DVT without pulmonary embolism"),
    ],
)
def test_a_name_in_whole_words_states_a_condition(text: str, pack: Pack) -> None:
    assert ({"deep-vein-thrombosis"}, False, False) == said(pack, text)


@pytest.mark.parametrize("text", ["", "?", "deep vein", "thrombosis, deep vein", "DVTs", "hadvtx", "血栓", "---"])
def test_a_text_without_a_name_states_nothing(text: str, pack: Pack) -> None:
    assert (set(), False, False) == said(pack, text)


@pytest.mark.parametrize(
    "text",
    [
        # denied
        *(
            "No DVT",
            "no evidence of deep vein thrombosis",
            "Denies DVT",
            "DVT: negative",
            "neg. for DVT",
            "DVT ruled out",
        ),
        *("DVT excluded by ultrasound", "never had a DVT", "DVT not found", "swelling without DVT", "absence of DVT"),
        # doubted
        *("r/o DVT", "R/O  deep vein thrombosis", "?DVT", "DVT?", "possible DVT", "probable DVT", "suspected DVT"),
        *("query DVT", "DVT vs cellulitis", "DVT unlikely", "concern for DVT", "evaluate for DVT", "at risk for DVT"),
        *("DVT prophylaxis", "screening for DVT", "fear of DVT", "DVT education"),
        # of a relative
        *("Family history of deep vein thrombosis", "FHx DVT", "FH: DVT", "mother had a DVT", "father's DVT"),
        *("DVT in brother", "maternal DVT"),
    ],
)
def test_a_name_that_is_denied_doubted_or_of_a_relative_is_not_stated(text: str, pack: Pack) -> None:
    stated, _, denied = said(pack, text)

    assert (set(), True) == (stated, denied)


@pytest.mark.parametrize(
    "text",
    [
        *("DVT in the past", "h/o DVT", "H/O: DVT", "hx DVT", "s/p DVT", "status post DVT", "old DVT", "DVT, resolved"),
        *("previous deep vein thrombosis", "prior DVT", "former DVT", "remote DVT", "DVT in childhood", "post DVT"),
    ],
)
def test_a_name_may_be_of_the_past(text: str, pack: Pack) -> None:
    assert ({"deep-vein-thrombosis"}, True, False) == said(pack, text)


@pytest.mark.parametrize("text", ["65 year old with DVT", "DVT in a 65-year-old", "2 days old DVT", "65 y old, DVT"])
def test_an_age_is_not_the_past(text: str, pack: Pack) -> None:
    assert ({"deep-vein-thrombosis"}, False, False) == said(pack, text)


def test_a_word_inside_a_name_neither_denies_it_nor_puts_it_in_the_past(pack: Pack) -> None:
    assert ({"diabetes"}, False, False) == said(pack, "Type 2 diabetes mellitus without complications")
    assert ({"previous-thrombosis"}, False, False) == said(pack, "History of deep vein thrombosis")


def test_without_denies_only_what_follows(pack: Pack) -> None:
    assert ({"pain-in-leg"}, False, False) == said(pack, "leg pain without DVT")


def test_a_text_may_name_several(pack: Pack) -> None:
    assert ({"deep-vein-thrombosis", "pain-in-leg", "iron-deficiency"}, False, False) == said(
        pack, "Leg pain and iron deficiency after DVT"
    )


def test_several_texts_add_up(pack: Pack) -> None:
    assert ({"deep-vein-thrombosis", "pain-in-leg"}, False, False) == said(pack, "leg pain", "DVT", "leg pain")


@pytest.mark.parametrize("texts", [("DVT", "no DVT"), ("no DVT", "DVT"), ("DVT", "DVT?")])
def test_what_one_text_denies_another_does_not_restore(texts: tuple[str, str], pack: Pack) -> None:
    assert (set(), False, True) == said(pack, *texts)


def test_what_one_text_denies_leaves_what_another_states(pack: Pack) -> None:
    assert ({"pain-in-leg"}, False, False) == said(pack, "leg pain", "no DVT")

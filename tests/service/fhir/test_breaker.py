"""The circuit breaker, in time travel."""

from service.fhir.breaker import Breaker


def failed(breaker: Breaker, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        breaker.tell(now, answered=False)


def test_a_server_is_asked_until_it_has_failed_several_times_in_a_row() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 2)

    assert breaker.lets_pass(0)


def test_one_answer_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 2)
    breaker.tell(1, answered=True)
    failed(breaker, 2, now=2)

    assert breaker.lets_pass(2)


def test_after_several_failures_it_is_left_alone_for_the_rest() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 3, now=100)

    assert [breaker.lets_pass(now) for now in (100, 115, 129.9)] == [False, False, False]


def test_after_the_rest_one_call_tries_and_the_others_go_on_without() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 3)

    assert [breaker.lets_pass(now) for now in (30, 30, 45)] == [True, False, False]


def test_a_try_that_is_answered_opens_the_way_for_all() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 3)
    breaker.lets_pass(30)
    breaker.tell(31, answered=True)

    assert [breaker.lets_pass(now) for now in (31, 31)] == [True, True]


def test_a_try_that_is_not_answered_begins_the_rest_anew() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 3)
    breaker.lets_pass(30)
    breaker.tell(32, answered=False)

    assert [breaker.lets_pass(now) for now in (61, 62)] == [False, True]


def test_a_try_of_which_nothing_is_told_does_not_keep_the_server_shut_for_ever() -> None:
    breaker = Breaker(failures=3, rest=30)
    failed(breaker, 3)
    breaker.lets_pass(30)

    assert breaker.lets_pass(60)

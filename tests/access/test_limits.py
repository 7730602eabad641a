"""Rate limits, and which addresses count as one."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.access.limits import RateLimiter, address_key, wait_text
from tests.clock import Clock


def test_a_limit_holds_in_every_window_and_says_how_long_to_wait() -> None:
    clock = Clock()
    limiter = RateLimiter(60, clock=clock)
    assert limiter.take("a", 2) == 0
    clock.now += 20
    assert limiter.take("a", 2) == 0
    clock.now += 10
    assert limiter.take("a", 2) == 30
    assert limiter.take("a", 1) == 50, "a lower limit waits for more to expire"
    assert limiter.take("b", 2) == 0, "keys count apart"
    clock.now += 30
    assert limiter.take("a", 2) == 0
    assert limiter.take("a", 2) == 20
    assert limiter.take("a", 0) == 60


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), max_size=60), st.integers(1, 4))
def test_no_window_has_more_events_than_the_limit(events: list[tuple[int, str]], limit: int) -> None:
    clock = Clock()
    limiter = RateLimiter(60, clock=clock)
    counted: list[tuple[float, str]] = []
    for pause, key in events:
        clock.now += pause
        recent = sum(name == key and at > clock.now - 60 for at, name in counted)
        wait = limiter.take(key, limit)
        assert (wait == 0) == (recent < limit)
        if wait == 0:
            counted.append((clock.now, key))


def test_an_event_that_is_given_back_does_not_count() -> None:
    limiter = RateLimiter(60, clock=Clock())
    for _ in range(3):
        assert limiter.take("a", 1) == 0
        limiter.give_back("a")
    limiter.give_back("a")
    assert not limiter._events


def test_the_memory_is_bounded_and_expired_keys_are_not_kept() -> None:
    clock = Clock()
    limiter = RateLimiter(60, keys=10, clock=clock)
    for number in range(100):
        assert limiter.take(f"{number}", 1) == 0
        assert limiter.take(f"refused {number}", 0) > 0
    assert list(limiter._events) == [f"{number}" for number in range(90, 100)]
    clock.now += 60
    limiter.take("a", 1)
    assert list(limiter._events) == ["a"]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
        ("192.0.2.7:80", "unknown"),
        ("x" * 10_000, "unknown"),
    ],
)
def test_addresses_of_one_network_have_one_key(address: str, key: str) -> None:
    assert address_key(address) == key


@given(st.text() | st.ip_addresses().map(str))
def test_any_text_has_a_short_key(address: str) -> None:
    assert 0 < len(address_key(address)) <= 42


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_addresses_of_an_ipv6_network_have_its_key(address: IPv6Address, host: int) -> None:
    if address.ipv4_mapped is None and int(address) >> 64:
        neighbour = IPv6Address(int(address) >> 64 << 64 | host)
        assert address_key(str(neighbour)) == address_key(str(address))


def test_a_wait_is_told_in_minutes() -> None:
    assert [wait_text(seconds) for seconds in (0.1, 60, 100, 900)] == [
        "a minute",
        "a minute",
        "2 minutes",
        "15 minutes",
    ]

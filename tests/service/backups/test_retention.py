"""Retention keeps what the policy asks for, and never loses the last good copy of a VM."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.backups.catalogue import KeptBackup, KeptFile, KeptVm, KeptVolume
from service.backups.retention import Policy, keep, read_policy
from service.errors import InvalidParams

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
ONE = Policy(last=1, daily=0, weekly=0, monthly=0)


def backup(name: str, age: timedelta | None, state: str = "verified", **more: Any) -> KeptBackup:
    values = {"vm": KeptVm(name="web", uuid="u", moref="vm-1"), **more}
    at = None if age is None else NOW - age
    return KeptBackup.model_validate({"id": name, "state": state, "path": f"/b/web/{name}", "created_at": at, **values})


def staying(backups: list[KeptBackup], policy: Policy) -> set[str]:
    return {decision.backup.id for decision in keep(backups, policy, NOW) if decision.stays}


def days(*ages: float, state: str = "verified") -> list[KeptBackup]:
    return [backup(f"d{age:g}", timedelta(days=age), state) for age in ages]


def test_policy_keeps_the_newest() -> None:
    assert staying(days(1, 2, 3, 4), ONE.model_copy(update={"last": 2})) == {"d1", "d2"}


def test_daily_keeps_the_newest_of_each_day_that_has_one() -> None:
    kept = staying(days(0.1, 0.2, 10, 10.1, 20, 30), ONE.model_copy(update={"daily": 3}))

    assert kept == {"d0.1", "d10", "d20"}


def test_weekly_and_monthly_add_up() -> None:
    kept = staying(days(0, 1, 7, 14, 31, 62, 93), Policy(last=1, daily=0, weekly=2, monthly=3))

    assert kept == {"d0", "d7", "d31", "d62"}


def test_nothing_goes_while_no_newer_one_is_verified() -> None:
    assert staying(days(1, 2, 3, state="unverified"), ONE) == {"d1", "d2", "d3"}


def test_backup_of_the_same_moref_in_another_vcenter_replaces_none() -> None:
    lab = KeptVm(name="web", uuid="u", moref="vm-1", vcenter="lab")

    kept = staying([*days(1), backup("in the lab", timedelta(days=2), vm=lab)], ONE)

    assert kept == {"d1", "in the lab"}


def test_what_is_older_than_a_verified_one_may_go() -> None:
    kept = staying([*days(1, state="unverified"), *days(2), *days(3, 4)], ONE)

    assert kept == {"d1", "d2"}


def test_failing_backups_do_not_rotate_the_good_ones_away() -> None:
    bad = [*days(1, 2, state="damaged"), *days(3, 4, state="broken")]

    assert staying([*bad, *days(5, 6)], ONE) == {"d1", "d2", "d3", "d4", "d5"}


def test_damaged_one_goes_when_a_newer_one_is_verified() -> None:
    (_, decision) = keep([*days(1), *days(2, state="damaged")], ONE.model_copy(update={"last": 9}), NOW)

    assert not decision.stays
    assert "damaged" in decision.why[0]


def test_backup_with_all_disks_stays_until_a_newer_one_has_them_all() -> None:
    newer = backup("new", timedelta(days=1), left_out=["Hard disk 2: independent"])

    assert staying([newer, *days(2, 3)], ONE) == {"new", "d2"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"left_out": ["Hard disk 1: independent"]}, {"left_out": ["Hard disk 2: independent"]}),
        ({"missing": 1}, {"missing": 2}),
        ({"left_out": ["Hard disk 2: independent"]}, {"missing": 1}),
    ],
)
def test_backup_that_lacks_a_disk_stays_until_a_newer_one_lacks_no_more(old: Any, new: Any) -> None:
    given = [
        backup("new", timedelta(days=1), **new),
        *(backup(f"d{age}", timedelta(days=age), **old) for age in (2, 3)),
    ]

    assert staying(given, ONE) == {"new", "d2"}


def test_backup_from_the_future_stays_and_replaces_nothing() -> None:
    assert staying([backup("future", timedelta(days=-400)), *days(1, 2)], ONE) == {"future", "d1"}


def test_backup_of_an_unknown_date_stays() -> None:
    assert staying([backup("broken", None, "broken"), *days(1, 2)], ONE) == {"broken", "d1"}


def test_another_vm_of_that_name_is_judged_by_itself() -> None:
    other = backup("other", timedelta(days=9), vm=KeptVm(name="web", uuid="u", moref="vm-2"))

    assert staying([other, *days(1, 2)], ONE) == {"other", "d1"}


backups = st.builds(
    backup,
    st.uuids().map(str),
    st.one_of(st.none(), st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=900))),
    st.sampled_from(["verified", "unverified", "damaged", "broken"]),
    vm=st.sampled_from([KeptVm(name="web", uuid="u", moref="vm-1"), KeptVm(name="db", uuid="v", moref="vm-2")]),
    left_out=st.sampled_from([[], ["Hard disk 2: independent"]]),
    missing=st.sampled_from([0, 0, 1]),
)
policies = st.builds(
    Policy,
    last=st.integers(1, 4),
    daily=st.integers(0, 4),
    weekly=st.integers(0, 3),
    monthly=st.integers(0, 3),
)


def _newest(found: list[KeptBackup]) -> KeptBackup | None:
    return max(found, key=lambda each: (each.created_at or NOW, each.id), default=None)


@given(st.lists(backups, max_size=30), policies)
def test_last_good_copy_of_a_vm_is_never_removed(every: list[KeptBackup], policy: Policy) -> None:
    kept = staying(every, policy)

    for vm in ("vm-1", "vm-2"):
        past = [each for each in every if each.vm.moref == vm and each.created_at and each.created_at <= NOW]
        good = [each for each in past if each.good]
        verified = [each for each in past if each.state == "verified"]
        for last in (
            _newest(good),
            _newest(verified),
            _newest([each for each in verified if each.complete]),
            _newest([each for each in good if each.complete]),
        ):
            assert last is None or last.id in kept
        if not verified:
            assert {each.id for each in past} <= kept


@given(st.lists(backups, max_size=30), policies)
def test_nothing_goes_without_a_newer_verified_one_that_stays(every: list[KeptBackup], policy: Policy) -> None:
    kept = staying(every, policy)

    for gone in (each for each in every if each.id not in kept):
        assert gone.created_at is not None
        assert any(
            each.id in kept
            and each.state == "verified"
            and each.vm == gone.vm
            and each.created_at is not None
            and gone.created_at <= each.created_at <= NOW
            for each in every
        )


@given(st.lists(backups, max_size=30), policies)
def test_pruning_twice_removes_no_more_than_once(every: list[KeptBackup], policy: Policy) -> None:
    once = [decision.backup for decision in keep(every, policy, NOW) if decision.stays]

    assert staying(once, policy) == {each.id for each in once}


def test_policy_is_read_from_its_letters() -> None:
    assert read_policy("7d,4w,6m") == Policy(last=1, daily=7, weekly=4, monthly=6)
    assert read_policy("3, 2W") == Policy(last=3, daily=0, weekly=2, monthly=0)


@pytest.mark.parametrize("text", ["", "7y", "d", "-1d", "0d", "7d;4w"])
def test_policy_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams, match="7d,4w,6m"):
        read_policy(text)


def test_backups_of_files_and_of_disks_replace_each_other_never() -> None:
    etc = {"type": "file", "paths": ["/etc", "/srv"]}
    given = [
        backup("disks", timedelta(days=3)),
        backup("all files", timedelta(days=2), type="file"),
        backup("old etc", timedelta(days=2), **etc),
        backup("etc", timedelta(days=1), **etc | {"paths": ["/srv", "/etc"]}),
        backup("var", timedelta(hours=1), type="file", paths=["/var"]),
    ]

    assert staying(given, ONE) == {"disks", "all files", "etc", "var"}


def test_backup_with_a_path_that_was_not_there_replaces_none_that_has_it() -> None:
    given = [
        backup("whole", timedelta(days=1), type="file"),
        backup("part", timedelta(0), type="file", not_found=["x"]),
    ]

    assert staying(given, ONE) == {"whole", "part"}


def volume(name: str, *, read: bool = True) -> KeptVolume:
    if not read:
        return KeptVolume(name=name, note="It cannot be read: the disk is damaged there.")
    return KeptVolume(name=name, readable=True, archive=KeptFile(file=f"{name}.tar", size=1, sha256="0"))


def test_files_of_a_volume_stay_until_a_newer_backup_has_the_volume_too() -> None:
    both = [volume("p1"), volume("p2")]
    given = [
        backup("new", timedelta(days=1), type="file", volumes=[volume("p1"), volume("p2", read=False)]),
        backup("old", timedelta(days=2), type="file", volumes=both),
        backup("older", timedelta(days=3), type="file", volumes=both),
        backup("part", timedelta(days=4), type="file", volumes=[volume("p2"), volume("p3", read=False)]),
    ]

    (_, old, older, part) = keep(given, ONE, NOW)

    assert (old.stays, old.why) == (True, ("no newer backup with all its volumes and paths is verified",))
    assert not older.stays
    assert not part.stays


def test_volume_that_the_newer_backup_does_not_list_stays() -> None:
    given = [
        backup("new", timedelta(days=1), type="file", volumes=[volume("p1")]),
        backup("old", timedelta(days=2), type="file", volumes=[volume("p1"), volume("p2")]),
    ]

    assert staying(given, ONE) == {"new", "old"}


def test_volume_that_neither_backup_could_read_keeps_none() -> None:
    volumes = [volume("p1"), volume("p2", read=False)]
    given = [backup(f"d{age}", timedelta(days=age), type="file", volumes=volumes) for age in (1, 2)]

    assert staying(given, ONE) == {"d1"}


def test_files_of_a_path_stay_until_a_newer_backup_has_the_path_too() -> None:
    def part(name: str, age: int, *not_found: str) -> KeptBackup:
        more = {"paths": ["/a", "/b"], "volumes": [volume("p1")], "not_found": not_found}
        return backup(name, timedelta(days=age), type="file", **more)

    given = [part("b gone", 1, "/b"), part("a gone", 2, "/a"), part("older", 3, "/a"), part("both gone", 4, "/a", "/b")]

    assert staying(given, ONE) == {"b gone", "a gone"}


file_backups = st.builds(
    backup,
    st.uuids().map(str),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)),
    st.sampled_from(["verified", "unverified"]),
    type=st.just("file"),
    volumes=st.tuples(*(st.builds(volume, st.just(name), read=st.booleans()) for name in ("p1", "p2"))).map(list),
    paths=st.just(["/a", "/b"]),
    not_found=st.lists(st.sampled_from(["/a", "/b"]), max_size=1),
)


@given(st.lists(file_backups, max_size=12), policies)
def test_no_volume_or_path_goes_with_the_last_backup_that_has_it(every: list[KeptBackup], policy: Policy) -> None:
    def contents(kept: KeptBackup) -> set[str]:
        return {*(each.name for each in kept.volumes if each.archive), *kept.paths} - {*kept.not_found}

    once = [decision.backup for decision in keep(every, policy, NOW) if decision.stays]

    for gone in (each for each in every if each not in once):
        assert any(each.state == "verified" and contents(each) >= contents(gone) for each in once)
    assert staying(once, policy) == {each.id for each in once}

"""Pages are found by words in any form, mistyped or incomplete, and by the names of alerts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.store import Store
from knowledge.procedure_store.text import MARK_END, MARK_START


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store.open() as opened:
        yield opened


def first(store: Store, words: str) -> str:
    return next((hit.slug for hit in store.search(words)), "")


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("reservation conflict", "scsi-reservation-conflict"),
        ("reserving conflicts", "scsi-reservation-conflict"),
        ("backup failed", "backup-failed"),
        ("linux p2v", "linux-p2v"),
        ("tryNoRxLoss", "serial-pipe-between-vms"),
        ("0xbad0022", "scsi-reservation-conflict"),
        ("how do I get rid of a snapshot that was left?", "snapshot-left-behind"),
        ("iscsi target not found", "iscsi-discovery"),
        ("vcbMounter -U", "vcb-to-vmkops"),
        ("windows 2000 install time", "linux-virtualization-products"),
        ("VCENTER DOWN", "vcenter-unreachable"),
        ("sense data", "scsi-sense"),
        ("datastore-full", "datastore-full"),
    ],
)
def test_words_lead_to_the_expected_page(store: Store, words: str, slug: str) -> None:
    assert first(store, words) == slug


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("snapsh", "snapshot-left-behind"),
        ("serial pi", "serial-pipe-between-vms"),
        ("consolid", "consolidation-needed"),
    ],
)
def test_the_last_word_can_be_incomplete(store: Store, words: str, slug: str) -> None:
    assert first(store, words) == slug


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("resevation conflict", "scsi-reservation-conflict"),
        ("reservatoin confilct", "scsi-reservation-conflict"),
        ("snaphsot left", "snapshot-left-behind"),
        ("consoldation needed", "consolidation-needed"),
        ("quieseing failed", "quiesce-failed"),
        ("vcbmonter trubleshooting logs", "vcb-troubleshooting"),
        ("paralells workstation", "linux-virtualization-products"),
    ],
)
def test_a_typing_error_does_not_matter(store: Store, words: str, slug: str) -> None:
    assert first(store, words) == slug


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("poweron stuck", "vm-stuck-at-95-percent"),
        ("purplescreen", "purple-screen"),
        ("v motion failed", "vmotion-failed"),
        ("snap shot left behind", "snapshot-left-behind"),
        ("vm kernel status codes", "vmkernel-status-codes"),
    ],
)
def test_words_can_be_joined_or_split(store: Store, words: str, slug: str) -> None:
    assert first(store, words) == slug


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("VMSnapshotsTooOld", "snapshot-left-behind"),
        ("NfsDatastoreDown", "nfs-datastore-inaccessible"),
        ("StaleFileHandle", "nfs-datastore-inaccessible"),
    ],
)
def test_a_name_in_camel_case_is_found_by_its_parts(store: Store, words: str, slug: str) -> None:
    assert first(store, words) == slug


@pytest.mark.parametrize("hung", ["hung", "frozen", "hangs", "not responding", "unresponsive", "stuck"])
@pytest.mark.parametrize(("what", "slug"), [("host", "host-not-responding"), ("VM", "vm-stuck-at-95-percent")])
def test_words_with_the_same_meaning_find_the_same_page(store: Store, what: str, hung: str, slug: str) -> None:
    assert first(store, f"{what} {hung}") == slug


@pytest.mark.parametrize(
    "words",
    [
        *("coffee machine broken", "kubernetes pod crash loop", "printer out of paper", "banana bread"),
        *("football match tonight", "who won the football game", "weather tomorrow", "outlook calendar invitation"),
        *("laptop does not charge", "nginx reverse proxy bad gateway", "excel macro crashes", "laptop battery dead"),
        *("pizza order for the night shift", "terraform plan drift", "salary slip missing", "jira ticket priority"),
    ],
)
def test_words_about_something_else_have_weak_matches_only(store: Store, words: str) -> None:
    assert [hit.slug for hit in store.search(words) if not hit.weak] == []


@pytest.mark.parametrize(
    "words",
    [
        *("windows update stuck", "pod stuck in pending", "dns server down", "jenkins build failed"),
        *("printer offline", "git merge conflict", "kubernetes node not ready", "docker container keeps restarting"),
    ],
)
def test_the_state_of_another_thing_is_no_good_match(store: Store, words: str) -> None:
    assert [hit.slug for hit in store.search(words) if not hit.weak] == []


@pytest.mark.parametrize("words", ["qwertz", "asdf jkl", "zzzzqqq"])
def test_words_without_meaning_find_nothing(store: Store, words: str) -> None:
    assert store.search(words) == []


@pytest.mark.parametrize(
    ("words", "slug"), [("ＡＰＤ", "all-paths-down"), ("ｄａｔａｓｔｏｒｅ　ｆｕｌｌ", "datastore-full")]
)
def test_full_width_letters_are_read_as_the_usual_ones(store: Store, words: str, slug: str) -> None:
    assert first(store, words) == slug


@pytest.mark.parametrize("words", ["datastore full", "resevation conflict", "vmotion fails at 14%", "snapsh"])
def test_a_good_match_is_not_called_weak(store: Store, words: str) -> None:
    assert not store.search(words)[0].weak


def test_the_pages_for_a_code_come_first(store: Store) -> None:
    slugs = [hit.slug for hit in store.search("datastore", first=["iscsi-names", "no-such-page", "vi-sdk"])]
    assert slugs[:2] == ["iscsi-names", "vi-sdk"]
    assert len(slugs) > 2


@pytest.mark.parametrize("code", ["0xbad0029", "195887999", "vmhba99"])
def test_a_code_is_never_taken_for_another_one(store: Store, code: str) -> None:
    assert store.search(code) == []


def test_a_snippet_shows_the_matched_words_between_marks(store: Store) -> None:
    snippet = store.search("tryNoRxLoss")[0].snippet
    assert f"{MARK_START}tryNoRxLoss{MARK_END}" in snippet
    assert "\n" not in snippet


def test_hits_are_sorted_by_descending_score_and_limited(store: Store) -> None:
    scores = [hit.score for hit in store.search("backup snapshot vmkops", 100)]
    assert len(scores) > 3
    assert scores == sorted(scores, reverse=True)
    assert len(store.search("backup snapshot vmkops", 3)) == 3
    assert len(store.search("backup", 0)) == 1


def test_obsolete_pages_are_marked_and_come_after_current_ones(store: Store) -> None:
    hits = store.search("backup")
    assert hits[0].obsolete_since == ""
    assert "vSphere 4.0 (2009)" in {hit.obsolete_since for hit in store.search("VCB")}


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            " ",
            '"',
            "'",
            "*",
            "^",
            "(",
            ")",
            "-",
            "\0",
            "AND",
            "OR NOT",
            "NEAR(snapshot, 2)",
            "title:",
            '"snapshot',
        ),
        *('snapshot" OR "', "snapshot*", "{title} : x", "a AND", "''; DROP TABLE pages; --", "\ud800", "🔥", "²"),
        *("x" * 100_000, "snapshot " * 10_000, " ".join(f"word{number}" for number in range(10_000)), "%_", "\\"),
        *("x", "***", '"*"', "a" * 59 + " " + "b" * 61),
    ],
)
def test_no_query_causes_an_error(store: Store, words: str) -> None:
    assert isinstance(store.search(words), list)
    store.nearest(words)


def test_punctuation_around_words_does_not_matter(store: Store) -> None:
    assert first(store, '"reservation* AND (conflict:^') == "scsi-reservation-conflict"


@given(st.text(st.characters()), st.integers())
@example('"', 10)
@example("snapshot\0", 10)
def test_any_text_returns_a_list(words: str, limit: int) -> None:
    with Store.open(folders=[]) as empty:
        assert empty.search(words, limit) == []


WORDS = st.lists(st.sampled_from(["snapshot", "snapsoht", "the", "VMBackup", '"', "*", "NEAR(", "-", "title:", "é"]))


@given(st.one_of(st.text(st.characters()), WORDS.map(" ".join)))
def test_any_text_returns_hits_or_none_in_a_full_store(store: Store, words: str) -> None:
    assert all(hit.slug and hit.score >= 0 for hit in store.search(words))


@given(st.text(st.characters()))
def test_any_alert_returns_a_page_or_none(store: Store, name: str) -> None:
    nearest = store.nearest(name)
    assert nearest is None or store.get(nearest.slug) is not None


@pytest.mark.parametrize(
    ("alert", "slug"),
    [
        ("VMBackupFailed", "backup-failed"),
        ("vm_backup_failed", "backup-failed"),
        ("DatastoreAlmostFull", "datastore-full"),
        ("DatastoreUsageOnDiskHigh", "datastore-full"),
        ("VMwareVMSnapshotTooOld", "snapshot-left-behind"),
        ("ConsolidationNeededOnVM", "consolidation-needed"),
        ("ESXiScsiReservationConflicts", "scsi-reservation-conflict"),
        ("iSCSITargetDown", "iscsi-discovery"),
        ("vCenterDown", "vcenter-unreachable"),
        ("QuiesceFailed", "quiesce-failed"),
        ("VmnicLinkDown", "uplink-down"),
        ("NetworkUplinkRedundancyLost", "uplink-down"),
        ("VMCpuReadyTooHigh", "vm-slow"),
        ("VsphereHAFailoverFailed", "ha-failover"),
        ("KmsUnreachable", "key-provider-unavailable"),
        ("EsxiRootLocked", "root-password-lost"),
        ("RansomwareSuspected", "ransomware-suspected"),
    ],
)
def test_an_alert_leads_to_its_page(store: Store, alert: str, slug: str) -> None:
    nearest = store.nearest(alert)
    assert nearest is not None
    assert nearest.slug == slug


@pytest.mark.parametrize(
    "alert",
    ["Watchdog", "KubePodCrashLooping", "HostHighCpuLoad", "HostCpuHigh", "CoffeeMachineEmpty", "High", "", "🔥"],
)
def test_an_alert_about_something_else_has_no_page(store: Store, alert: str) -> None:
    assert store.nearest(alert) is None


def test_a_team_page_with_the_name_of_the_alert_comes_before_a_built_in_one(tmp_path: Path) -> None:
    facts = "title: Ours\nsummary: Ours.\nsubjects: x\napplies_to: any\nsource: ours\naliases: [backup failed]\n"
    body = "## When\nx\n## Before\nx\n## Steps\nx\n## Check\nx\n## Undo\nx\n"
    (tmp_path / "ours.md").write_text(f"---\n{facts}---\n{body}")
    with Store.open(folders=[BUILT_IN, tmp_path]) as both:
        nearest = both.nearest("BackupFailed")
        assert nearest is not None
        assert nearest.slug == "ours"

"""The built-in pages: every subject of the notes has one, each is correct, and everything it refers to exists."""

import re

import pytest
import yaml
from markdown_it import MarkdownIt

from knowledge.procedure_store.body import SECTIONS, page_links
from knowledge.procedure_store.check import check_folder
from knowledge.procedure_store.folders import BUILT_IN, find_pages, read_page
from knowledge.procedure_store.front_matter import read_front_matter
from knowledge.procedure_store.procedure import MAX_SUMMARY, parse_page
from vmkops.commands import names

PAGES = {found.slug: read_page(found) for found in find_pages(BUILT_IN)}

SUBJECTS = {
    "OVF and ovftool": ("ovf-tool", ["metadata", "several VMs", "compressed", "URL", "ovftool"]),
    "building appliances": ("appliance-building", ["virtual SCSI", "IDE", "CD-ROM and floppy", "VMware Tools"]),
    "list of vmkernel errors": ("vmkernel-status-codes", ["vmkerrcode -l", "0xbad0022", "release", "4.x"]),
    "serial ports over named pipes": (
        "serial-pipe-between-vms",
        ["not visible in the service console", "tryNoRxLoss", 'endPoint = "server"', 'endPoint = "client"'],
    ),
    "four Linux virtualization products": (
        "linux-virtualization-products",
        ["Pentium 4 at 2.6 GHz", "360 MB", "| 15 minutes |.*\n.*| 15 minutes |", "just under 25", "27 minutes"],
    ),
    "Linux P2V": ("linux-p2v", ["mptscsih", "BusLogic", r"nc 10\.\d", "14.3 MB/s", "kudzu", "Converter 4", "sfdisk"]),
    "iSCSI naming": ("iscsi-names", ["iqn.2001-04.com.example", "eui.02004567A425678D", "3260", "255 characters"]),
    "iSCSI discovery": ("iscsi-discovery", ["Static", "SendTargets", "SLP or iSNS", "not in the first release"]),
    "VCB, how it works": (
        "vcb-how-it-works",
        ["Quiesce", "Snapshot", "Unquiesce", "Mount", "Run the backup", "Unmount", "Remove the snapshot", "delta"],
    ),
    "VCB, integration points": (
        "vcb-integration-points",
        ["pre-freeze", "post-thaw", "relocated", "vcb-backup.wsf", r"RunSaveCmd\(\)"],
    ),
    "VCB, generic template": (
        "vcb-generic-template",
        ["glue.js", "utils.js", "config.js", "pre-command", "post-command", "CleanUpAfterBackup", "vcbBackupTypeFile"],
    ),
    "VCB commands in vmkops": ("vcb-to-vmkops", ["vcbMounter", "vcbVmName", "vcbUtil", "vmkops backup", "-t fullvm"]),
    "VCB, troubleshooting": (
        "vcb-troubleshooting",
        ["-L 6", "-c ping", "-s any", "vmware-vmount", "vmware-vlun", "browseend_", r"vpxd-\*", "LUN numbers"],
    ),
    "VI SDK": ("vi-sdk", ["gone", "pyVmomi", "govmomi", "developer.broadcom.com"]),
    "vendor claims": ("vendor-claims", ["Forbes", "InfoWorld", "Hyper-V", "VMware Server"]),
    "initrd for ESX 3.5": (
        "esx35-initrd-driver",
        ["simple.map", "pci.ids", "pci.xml.merged", "sata_nv.xml", "10de:037f", "/dev/zero", "esxcfg-pciid"],
    ),
}

PATHS = re.compile(
    r"/(vmkerr|decode|iscsi|vmx|ovf|p2v|procedures|actions|jobs|vms|hosts|datastores|snapshots|backups|alerts|audit"
    r"|healthz|readyz|metrics|runbook|schedules)\b"
)


ON_A_HOST = re.compile(r"/vmfs/|/var/log/|\b(?:esxcli|vim-cmd|vmkfstools|lsof)\b")
"""What shows that a command line is entered on an ESXi host."""

FILE_OF_A_HOST = re.compile(r"[< ]/(?:var|vmfs|scratch)/")
"""An argument or an input that only a shell on an ESXi host can open."""

GNU_ONLY = re.compile(
    r"\bsort\b[^|]* -\w*[hV]|\b(?:du|ls|sort)\b[^|]* --\w|\bgrep\b[^|]* -\w*P|\bfind\b[^|]* -printf\b"
)
"""Options that the BusyBox of ESXi 6.7 and 7.0 does not have."""


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_subject_of_the_notes_has_its_page_with_its_facts(subject: str) -> None:
    slug, facts = SUBJECTS[subject]
    text = PAGES[slug].text
    assert [fact for fact in facts if not re.search(fact, text, re.IGNORECASE)] == []


def test_every_built_in_page_is_correct_and_links_to_existing_pages() -> None:
    count, broken = check_folder(BUILT_IN)
    assert broken == []
    assert count == len(PAGES) >= len(SUBJECTS)


def test_a_copy_of_the_template_is_a_correct_page() -> None:
    template = (BUILT_IN / "TEMPLATE.md").read_bytes()
    page = parse_page(template, slug="datastore-full", file="datastore-full.md")
    assert {link.slug for link in page_links(page.text.split("\n"))} <= PAGES.keys()
    assert "TEMPLATE" not in PAGES


@pytest.mark.parametrize("slug", PAGES)
def test_front_matter_means_the_same_to_a_yaml_parser(slug: str) -> None:
    lines = PAGES[slug].text.split("\n")
    head = read_front_matter(lines)
    by_yaml = yaml.load("\n".join(lines[1 : head.length - 1]), Loader=yaml.BaseLoader)
    assert {key: entry.value for key, entry in head.entries.items()} == by_yaml


@pytest.mark.parametrize("slug", PAGES)
def test_body_means_the_same_to_a_commonmark_parser(slug: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(PAGES[slug].body)
    headings = [
        tokens[place + 1].content
        for place, token in enumerate(tokens)
        if (token.type, token.tag) == ("heading_open", "h2")
    ]
    assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS)
    assert all(token.info for token in tokens if token.type == "fence")
    inline = [child.type for token in tokens for child in token.children or ()]
    assert "html_block" not in [token.type for token in tokens]
    assert "html_inline" not in inline


@pytest.mark.parametrize("slug", PAGES)
def test_code_has_no_typographic_characters(slug: str) -> None:
    code = [token.content for token in MarkdownIt("commonmark").parse(PAGES[slug].body) if token.type == "fence"]
    assert re.findall("[^\x00-\x7f]", "".join(code)) == []


@pytest.mark.parametrize("slug", PAGES)
def test_commands_on_a_host_have_only_options_that_its_shell_knows(slug: str) -> None:
    blocks = [token for token in MarkdownIt("commonmark").parse(PAGES[slug].body) if token.type == "fence"]
    lines = [line for block in blocks if block.info == "sh" for line in block.content.splitlines()]
    assert [line for line in lines if ON_A_HOST.search(line) and GNU_ONLY.search(line)] == []


@pytest.mark.parametrize("line", ["du -sh /vmfs/volumes/ds1/* | sort -h", "grep -oP 'naa[.]' /var/log/vmkernel.log"])
def test_option_that_is_missing_in_busybox_is_found(line: str) -> None:
    assert ON_A_HOST.search(line)
    assert GNU_ONLY.search(line)


@pytest.mark.parametrize("slug", PAGES)
def test_vmkops_reads_no_file_by_the_path_that_it_has_on_a_host(slug: str) -> None:
    """vmkops is not on the host: the log comes over SSH, or from a copy."""
    blocks = [token for token in MarkdownIt("commonmark").parse(PAGES[slug].body) if token.type == "fence"]
    lines = [line.strip() for block in blocks for line in block.content.splitlines()]
    assert [line for line in lines if line.startswith("vmkops ") and FILE_OF_A_HOST.search(line)] == []


@pytest.mark.parametrize("slug", PAGES)
def test_page_refers_only_to_existing_commands_and_calls(slug: str) -> None:
    text = PAGES[slug].body
    assert set(re.findall(r"(?:`|\$ |^ *|\| )vmkops ([a-z0-9]+)", text, re.MULTILINE)) <= set(names())
    calls = re.findall(r"(?:(?:GET|POST) |VMKOPS_SERVICE_URL)(/[a-z]+)", text)
    assert [call for call in calls if not PATHS.match(call)] == []


@pytest.mark.parametrize("slug", PAGES)
def test_summary_is_one_line_that_an_alert_can_show(slug: str) -> None:
    page = PAGES[slug]
    assert len(page.summary) <= MAX_SUMMARY
    assert page.summary.endswith(".")
    assert page.title
    assert page.source


def test_pages_from_the_notes_list_their_corrections() -> None:
    corrected = {slug for slug, page in PAGES.items() if "\n## Corrections\n" in page.body}
    assert corrected >= {
        "ovf-tool",
        "vmkernel-status-codes",
        "serial-pipe-between-vms",
        "linux-virtualization-products",
        "linux-p2v",
        "iscsi-names",
        "vcb-integration-points",
        "vcb-generic-template",
        "vcb-troubleshooting",
        "esx35-initrd-driver",
    }


def test_no_two_pages_claim_the_same_alert() -> None:
    names = [alias.casefold() for page in PAGES.values() for alias in page.aliases]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []

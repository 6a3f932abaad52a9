"""Snippet for virtual network cards: vlance for a guest without Tools, vmxnet after Tools are installed."""

from knowledge.vmx.catalogue import LIBVIRT, P2V_NOTES, Built, Parameter, Snippet, Values, single
from knowledge.vmx.devices import ETHERNET, free_slot, is_present
from knowledge.vmx.parse import Vmx
from knowledge.vmx.storage import hardware_note

CARD_TYPES = ("vlance", "vmxnet", "vmxnet2", "vmxnet3", "e1000", "e1000e")
_DEFAULT_NETWORK = "VM Network"


def _card(values: Values, into: Vmx | None) -> Built:
    kind = values["type"]
    device = "vmxnet" if kind == "vmxnet2" else kind
    network = values.get("network")
    index = values.get("index")
    card = f"ethernet{index}" if index else free_slot(into, ETHERNET)
    is_new = into is None or not is_present(into, card)
    settings = [(f"{card}.present", "TRUE"), (f"{card}.virtualDev", device)]
    if kind == "vmxnet2":
        settings.append((f"{card}.features", "15"))
    if is_new or network:
        settings.append((f"{card}.networkName", network or _DEFAULT_NETWORK))
    if is_new:
        settings.append((f"{card}.addressType", "generated"))
    notes = hardware_note(device, into)
    if into and kind == "vmxnet" and into.get(f"{card}.features"):
        notes += (f"{card}.features is set; with 15, the card remains a vmxnet2. Delete that line.",)
    return single(settings, *notes)


SNIPPETS = (
    Snippet(
        name="nic",
        title="Virtual network card",
        summary="Adds a network card, or changes the type of one: vlance first, vmxnet after Tools are installed.",
        parameters=(
            Parameter("type", "choice", "the card that the guest sees", "vlance", CARD_TYPES),
            Parameter(
                "index",
                "choice",
                "card number; default: the next free one (0 without a VMX); give one to change its type",
                None,
                tuple(str(card) for card in range(10)),
            ),
            Parameter("network", "text", f'port group; default for a new card: "{_DEFAULT_NETWORK}"'),
        ),
        notes=(
            "vlance (AMD PCnet32, driver pcnet32) works without Tools in nearly every 32-bit guest. Use it for the "
            "first boot of a converted machine. After you install Tools, change to vmxnet and adjust the guest's "
            "network settings (alias eth0 vmxnet) before the next boot.",
            "vmxnet, vmxnet2 and vmxnet3 need a driver in the guest, from Tools or, for vmxnet3, from a kernel of "
            "2.6.32 or later. vmxnet3 needs virtual hardware version 7 (ESX 4.0) or newer.",
            "vmxnet2 (Enhanced, ESX 3.5 and later) is written as vmxnet with features 15.",
            "Flexible is not a type here: a card without a virtualDev line is Flexible in a 32-bit guest, that is, a "
            "vlance until the guest loads the vmxnet driver of Tools. In a 64-bit guest, it is an e1000.",
            "After a change of type, the guest may see a new card, with another name and without settings.",
        ),
        source=f"{P2V_NOTES}; {LIBVIRT}; VMware KB 1001805 on choosing a network adapter",
        certainty="documented; features = 15 for vmxnet2 is from libvirt and user reports",
        example={"type": "vmxnet", "index": "0"},
        build=_card,
    ),
)

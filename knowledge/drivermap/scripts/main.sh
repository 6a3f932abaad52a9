
# --- main: find, refuse, prepare everything, and only then replace ------------------------------------------------

usage() {
  say "usage: bash $0 [--check | --undo]"
  say "  no option  add $VENDOR:$DEVICE to the ESX host on $BOOT_DEVICE and $ROOT_DEVICE"
  say "  --check    make the new files in a scratch directory, replace nothing"
  say "  --undo     put the .org copies back"
}

main() {
  local deed=${1:-apply} tool
  case $deed in
    apply | --check | --undo) ;;
    -h | --help) usage; return ;;
    *) usage >&2; exit 2 ;;
  esac
  for tool in $NEEDS; do
    command -v "$tool" >/dev/null || die "this rescue system has no $tool"
  done
  trap finish EXIT
  has_boot || attach_disk "$BOOT_DEVICE" "$BOOT"
  has_root || attach_disk "$ROOT_DEVICE" "$ROOT"
  find_files
  if [[ $deed == --undo ]]; then
    undo
    return
  fi
  refuse_second_run
  mkdir -p -- "$ROOT/tmp"
  WORK=$(mktemp -d "$ROOT/tmp/initrd.XXXXXX")
  new_tables
  new_initrd
  room_for "$INITRD" "$WORK/initrd.new"
  if [[ $deed == --check ]]; then
    say "checked: all four files can be changed for $VENDOR:$DEVICE ($NAME); nothing was replaced"
    return
  fi
  replace "$PCI_IDS" "$WORK/pci.ids"
  replace "$PCI_MERGED" "$WORK/pci.xml.merged"
  replace "$PCI_DRIVER" "$WORK/pciid.xml"
  replace "$INITRD" "$WORK/initrd.new"
  install_once
  say "done. Take the rescue disk out and reboot into ESX."
  say "Then, on the host: esxcfg-pciid; esxcfg-boot -r   (so that an initrd rebuilt by a patch knows the device too)"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi


# --- main: find the files, check them, prepare all new contents, and only then replace files ----------------------

usage() {
  say "usage: bash $0 [--check | --undo]"
  say "  no option  add $VENDOR:$DEVICE to the ESX host on $BOOT_DEVICE and $ROOT_DEVICE"
  say "  --check    make the new files in a scratch directory, and replace nothing"
  say "  --undo     restore the .org copies"
}

main() {
  local mode=${1:-apply} tool
  case $mode in
    apply | --check | --undo) ;;
    -h | --help) usage; return ;;
    *) usage >&2; exit 2 ;;
  esac
  for tool in $NEEDS; do
    command -v "$tool" >/dev/null || die "$tool is missing in this rescue system"
  done
  trap finish EXIT
  has_boot || attach_disk "$BOOT_DEVICE" "$BOOT"
  has_root || attach_disk "$ROOT_DEVICE" "$ROOT"
  find_files
  if [[ $mode == --undo ]]; then
    undo
    return
  fi
  refuse_second_run
  mkdir -p -- "$ROOT/tmp"
  WORK=$(mktemp -d "$ROOT/tmp/initrd.XXXXXX")
  new_tables
  new_initrd
  check_free_space "$INITRD" "$WORK/initrd.new"
  if [[ $mode == --check ]]; then
    say "checked: all four files can be changed for $VENDOR:$DEVICE ($NAME); nothing was replaced"
    return
  fi
  replace "$PCI_IDS" "$WORK/pci.ids"
  replace "$PCI_MERGED" "$WORK/pci.xml.merged"
  replace "$PCI_DRIVER" "$WORK/pciid.xml"
  replace "$INITRD" "$WORK/initrd.new"
  install_once
  say "done. Remove the rescue disk and reboot into ESX."
  say "Then run on the host: esxcfg-pciid; esxcfg-boot -r   (so that an initrd that a patch rebuilds has the device too)"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi

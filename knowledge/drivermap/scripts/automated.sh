
# --- the automated way: appends lines, and changes the initrd image in place --------------------------------------

# map_line: prints the line of simple.map for the new device
map_line() { printf '%s:%s 0000:0000 %s.o\n' "$VENDOR" "$DEVICE" "$DRIVER"; }

# map_with_new_line FILE: prints simple.map with the new line at its end
map_with_new_line() {
  awk '{ print }' "$1"
  map_line
}

# xml_element: prints the element of the new device, in the format that esxcfg-pciid reads
xml_element() {
  printf '    <device id="%s">\n' "$DEVICE"
  printf '      <vmware label="scsi">\n        <driver>%s</driver>\n      </vmware>\n' "$DRIVER"
  printf '      <name>%s</name>\n    </device>\n' "$XML_NAME"
}

# xml_with_new_element FILE: prints the XML with the new element as the last one of its vendor
xml_with_new_element() {
  local element
  element=$(xml_element)
  VENDOR=$VENDOR DEVICE=$DEVICE ELEMENT=$element awk '
    function is(id) { return tolower($0) ~ ("id[ \t]*=[ \t]*[\"\047]" id "[\"\047]") }
    /<vendor[ \t]/ { inside = is(ENVIRON["VENDOR"]) }
    inside && /<device[ \t]/ && is(ENVIRON["DEVICE"]) { there = 1; exit }
    inside && /^[ \t]*<\/vendor>/ { print ENVIRON["ELEMENT"]; added = 1; inside = 0 }
    { print }
    END {
      if (there) { print FILENAME " already has the device" > "/dev/stderr"; exit 5 }
      if (!added) { print FILENAME " has no closing tag of vendor " ENVIRON["VENDOR"] " on a line of its own" > "/dev/stderr"; exit 3 }
    }
  ' "$1"
}

new_tables() {
  ids_with "$PCI_IDS" >"$WORK/pci.ids"
  xml_with_new_element "$PCI_MERGED" >"$WORK/pci.xml.merged"
  xml_with_new_element "$PCI_DRIVER" >"$WORK/pciid.xml"
}

new_initrd() { # makes $WORK/initrd.new: the old image with the new simple.map in it
  local image=$WORK/initrd.img map=etc/vmware/simple.map
  gzip -dc -- "$INITRD" >"$image"
  attach_image loop "$image" "$WORK/extracted"
  [[ -f $WORK/extracted/$map ]] || die "the initrd has no /$map"
  ! map_has "$DEVICE" "$WORK/extracted/$map" || die "simple.map in the initrd already has $VENDOR:$DEVICE"
  map_with_new_line "$WORK/extracted/$map" >"$WORK/simple.map"
  cat -- "$WORK/simple.map" >"$WORK/extracted/$map"
  detach_images
  gzip --best -c -- "$image" >"$WORK/initrd.new"
}

once_script() { # prints the script that runs at each boot of the ESX host until it succeeds
  cat <<'ONCE'
#!/bin/bash
# Rebuilds the PCI tables of ESX for a new device, then removes itself.
if /usr/sbin/esxcfg-pciid; then
  rm -f /etc/rc3.d/S99esxcfg-pciid-once /etc/init.d/esxcfg-pciid-once
fi
ONCE
}

install_once() {
  once_script >"$ONCE"
  chmod 755 -- "$ONCE"
  ln -sf ../init.d/esxcfg-pciid-once "$ONCE_LINK"
  say "esxcfg-pciid runs at the next boot ($ONCE)"
}

NEEDS='awk cat chmod cp df gzip grep ln mount mv rm rmdir umount wc'

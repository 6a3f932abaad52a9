
# --- the rescue way: duplicates the lines of the similar device, and makes a new initrd image --------------------

# map_with_duplicate FILE: prints simple.map with each line of the similar device duplicated for the new one
map_with_duplicate() {
  VENDOR=$VENDOR DEVICE=$DEVICE LIKE=$LIKE DRIVER=$DRIVER awk '
    { print }
    tolower($1) == ENVIRON["VENDOR"] ":" ENVIRON["LIKE"] {
      if ($NF != ENVIRON["DRIVER"] ".o") { other = $NF; exit }
      line = $0
      sub(/[^ \t]+/, ENVIRON["VENDOR"] ":" ENVIRON["DEVICE"], line)
      print line
      found = 1
    }
    END {
      if (other != "") { print "simple.map has " other " for the similar device" > "/dev/stderr"; exit 4 }
      if (!found) { print "simple.map has no line for the similar device" > "/dev/stderr"; exit 3 }
    }
  ' "$1"
}

# xml_with_duplicate FILE: prints the XML with the section of the similar device duplicated for the new one
xml_with_duplicate() {
  VENDOR=$VENDOR DEVICE=$DEVICE LIKE=$LIKE DRIVER=$DRIVER XML_NAME=$XML_NAME awk '
    function at(id) { return match(tolower($0), "id[ \t]*=[ \t]*[\"\047]" id "[\"\047]") }
    function named(text,    from, to) {
      from = index(text, "<name>"); to = index(text, "</name>")
      if (!from || to < from) return text
      return substr(text, 1, from + 5) ENVIRON["XML_NAME"] substr(text, to)
    }
    function copied(text) {
      copy = copy named(text) "\n"
      if (index(text, "<driver>") && !index(text, "<driver>" ENVIRON["DRIVER"] "</driver>")) other = 1
      if (index(text, "</device>")) { copying = 0; finished = copy }
    }
    /<vendor[ \t]/ { inside = at(ENVIRON["VENDOR"]) }
    /<\/vendor>/ { inside = 0 }
    inside && /<device[ \t]/ && at(ENVIRON["DEVICE"]) { there = 1; exit }
    { print }
    inside && /<device[ \t]/ && at(ENVIRON["LIKE"]) {
      copying = 1
      copied(substr($0, 1, RSTART - 1) "id=\"" ENVIRON["DEVICE"] "\"" substr($0, RSTART + RLENGTH))
    }
    copying && !/<device[ \t]/ { copied($0) }
    finished != "" { printf "%s", finished; finished = copy = ""; found = 1 }
    END {
      if (there) problem = "already has the device"
      else if (other) problem = "has another driver for the similar device"
      else if (!found) problem = "has no section for the similar device"
      if (problem != "") { print FILENAME " " problem > "/dev/stderr"; exit 3 }
    }
  ' "$1"
}

new_tables() {
  ids_with "$PCI_IDS" >"$WORK/pci.ids"
  xml_with_duplicate "$PCI_MERGED" >"$WORK/pci.xml.merged"
  xml_with_duplicate "$PCI_DRIVER" >"$WORK/pciid.xml"
}

new_initrd() { # makes $WORK/initrd.new: a larger image with the contents of the old one and the new simple.map
  local old=$WORK/old.img new=$WORK/initrd.img map=etc/vmware/simple.map
  gzip -dc -- "$INITRD" >"$old"
  (($(wc -c <"$old") <= IMAGE_KB * 1024)) || die "the old image is larger than $IMAGE_KB KB: set IMAGE_KB to a larger size"
  attach_image loop,ro "$old" "$WORK/extracted"
  [[ -f $WORK/extracted/$map ]] || die "the initrd has no /$map"
  ! map_has "$DEVICE" "$WORK/extracted/$map" || die "simple.map in the initrd already has $VENDOR:$DEVICE"
  map_with_duplicate "$WORK/extracted/$map" >"$WORK/simple.map"
  dd if=/dev/zero of="$new" bs=1k count="$IMAGE_KB" 2>/dev/null
  mke2fs -q -i 1024 -b 1024 -m 5 -I 128 -O none,sparse_super,filetype -F "$new"
  attach_image loop "$new" "$WORK/extractednew"
  tar -C "$WORK/extracted" -cf - . | tar -C "$WORK/extractednew" -xpf -
  cat -- "$WORK/simple.map" >"$WORK/extractednew/$map"
  detach_images
  gzip --best -c -- "$new" >"$WORK/initrd.new"
}

install_once() { :; } # nothing to do at the next boot: this way changes every table itself

NEEDS='awk cat cp df dd gzip grep mke2fs mount mv rm rmdir tar umount wc'

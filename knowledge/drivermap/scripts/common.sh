
# Locations. You can set each in the environment, e.g. BOOT_DEVICE=/dev/sdb1 bash this-script
BOOT_DEVICE=${BOOT_DEVICE:-/dev/sda1}   # the boot partition of the ESX host
ROOT_DEVICE=${ROOT_DEVICE:-/dev/sda2}   # the root partition of the ESX host
BOOT=${BOOT:-/mnt/eboot}                # the mount points of the two partitions
ROOT=${ROOT:-/mnt/eroot}
IMAGE_KB=${IMAGE_KB:-97000}             # size of a new initrd image (rescue way)

WORK=''          # scratch directory on the ESX host's root partition
IMAGES=()        # initrd images mounted by this script, newest first
DISKS=()         # partitions mounted by this script, newest first

say() { printf '%s\n' "$*"; }

die() {
  printf 'stopped: %s\n' "$*" >&2
  exit 1
}

# --- new contents: each function reads one file and prints its new contents --------------------------------------

# map_has ID FILE: succeeds if simple.map has a line for vendor:ID
map_has() { grep -qi -- "^[[:space:]]*$VENDOR:$1[[:space:]]" "$2"; }

# ids_with FILE: prints pci.ids with the new device among those of its vendor, sorted by number
ids_with() {
  VENDOR=$VENDOR DEVICE=$DEVICE NAME=$NAME awk '
    function add() { if (inside && !added) { print "\t" ENVIRON["DEVICE"] "  " ENVIRON["NAME"]; added = 1 } }
    /^[^\t#]/ { add(); inside = (tolower(substr($0, 1, 4)) == ENVIRON["VENDOR"] && substr($0, 5, 1) ~ /[ \t]/) }
    inside && /^\t[^\t#]/ {
      id = tolower(substr($0, 2, 4))
      if (id == ENVIRON["DEVICE"]) { there = 1; exit }
      if (id > ENVIRON["DEVICE"]) add()
    }
    { print }
    END {
      if (there) { print "pci.ids already has the device" > "/dev/stderr"; exit 5 }
      add()
      if (!added) { print "pci.ids has no vendor " ENVIRON["VENDOR"] > "/dev/stderr"; exit 3 }
    }
  ' "$1"
}

# --- mounting, without ever deleting what is mounted -------------------------------------------------------------

has_boot() { [[ -f $BOOT/initrd-$KERNEL.img || -f $BOOT/boot/initrd-$KERNEL.img ]]; }
has_root() { [[ -d $ROOT/etc/vmware ]]; }

attach_disk() { # attach_disk DEVICE DIRECTORY: mounts a partition; finish unmounts it
  mkdir -p -- "$2"
  mount "$1" "$2" || die "cannot mount $1 at $2: if it is the wrong partition, set BOOT_DEVICE or ROOT_DEVICE"
  DISKS=("$2" ${DISKS[@]+"${DISKS[@]}"})
}

attach_image() { # attach_image OPTIONS IMAGE DIRECTORY: mounts an initrd image
  mkdir -p -- "$3"
  mount -t ext2 -o "$1" "$2" "$3" || die "cannot mount the image $2"
  IMAGES=("$3" ${IMAGES[@]+"${IMAGES[@]}"})
}

detach_images() {
  while ((${#IMAGES[@]})); do
    umount "${IMAGES[0]}" || return 1
    IMAGES=(${IMAGES[@]+"${IMAGES[@]:1}"})
  done
}

finish() { # runs at every exit: unmounts what this script mounted, and deletes only its own scratch directory
  local status=$? directory
  trap - EXIT
  cd /
  if ! detach_images; then
    printf 'still mounted, so nothing is deleted: %s\n' "${IMAGES[*]}" >&2
    exit 1
  fi
  [[ -z $WORK ]] || rm -rf -- "$WORK"
  for directory in ${DISKS[@]+"${DISKS[@]}"}; do
    if umount "$directory"; then
      rmdir -- "$directory" 2>/dev/null || true
    else
      printf 'still mounted: %s\n' "$directory" >&2
      status=1
    fi
  done
  exit "$status"
}

# --- the files of the ESX host -----------------------------------------------------------------------------------

find_files() {
  local name=initrd-$KERNEL.img
  INITRD=$BOOT/$name
  [[ -f $INITRD ]] || INITRD=$BOOT/boot/$name
  [[ -f $INITRD ]] || die "no $name in $BOOT or $BOOT/boot: check the kernel version of the host ($(cd "$BOOT" && echo initrd-*))"
  PCI_IDS=$ROOT/etc/vmware/pci.ids
  PCI_MERGED=$ROOT/etc/vmware/pci.xml.merged
  PCI_DRIVER=$ROOT/etc/vmware/pciid/$DRIVER.xml
  ONCE=$ROOT/etc/init.d/esxcfg-pciid-once
  ONCE_LINK=$ROOT/etc/rc3.d/S99esxcfg-pciid-once
  FILES=("$INITRD" "$PCI_IDS" "$PCI_MERGED" "$PCI_DRIVER")
  local file
  for file in "${FILES[@]}"; do
    [[ -f $file ]] || die "$file is missing"
  done
}

refuse_second_run() {
  local file
  for file in "${FILES[@]}"; do
    [[ ! -e $file.org ]] || die "$file.org exists, so the script was run before: check the files, or restore the copies with --undo"
  done
}

replace() { # replace FILE NEW: copies FILE to FILE.org, then writes the contents of NEW to FILE
  cp -p -- "$1" "$1.org"
  cat -- "$2" >"$1"
  say "changed $1 (copy: $1.org)"
}

check_free_space() { # check_free_space FILE NEW: stops if FILE's partition has no space for FILE.org and NEW
  local free need
  free=$(df -Pk -- "$1" | awk 'NR == 2 { print $4 }')
  need=$(($(wc -c <"$2") / 1024 + 1024))
  ((free >= need)) || die "$1: its partition needs $need KB of free space, but has $free KB"
}

undo() {
  local file found=0
  for file in "${FILES[@]}"; do
    [[ -e $file.org ]] || continue
    mv -f -- "$file.org" "$file"
    say "restored $file"
    found=1
  done
  rm -f -- "$ONCE" "$ONCE_LINK"
  ((found)) || say "nothing to restore"
}

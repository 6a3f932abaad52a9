# What pre-command and post-command have in common. It is sourced by them, with VCBDIR set to the folder of the scripts.

fail() {
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

# load_config: read the settings, and check that each has a value.
load_config() {
    config=$VCBDIR/config/config.sh
    [ -r "$config" ] || fail "$config cannot be read. Copy the folder config, or set VCBDIR to where it is." 2
    # shellcheck source=/dev/null
    . "$config"
    [ -n "${BACKUPROOT:-}" ] || fail "BACKUPROOT is not set in $config." 2
    [ -n "${LOGDIR:-}" ] || fail "LOGDIR is not set in $config." 2
    command -v vmkops >/dev/null || fail "The command vmkops is not in PATH. Correct PATH in $config." 2
    mkdir -p "$LOGDIR" || fail "The folder $LOGDIR cannot be made. Correct LOGDIR in $config." 2
}

# folder_of VMID: the name of the VM's folder in BACKUPROOT, such as web-01 for name:web-01.
folder_of() {
    printf '%s' "${1#name:}" | tr -c 'A-Za-z0-9.-' _ | cut -c1-80 | sed 's/^[._-]*//; s/[._-]*$//'
}

# read_vmid VMID: set vmid and folder, or end with status 2.
read_vmid() {
    vmid=$1
    folder=$(folder_of "$vmid")
    case $vmid in
    -* | '') folder= ;;
    esac
    [ -n "$folder" ] || fail "'$vmid' is not a VM. Give its name, or name:, ipaddr:, uuid: or moref: and the value." 2
}

# logged LOG COMMAND...: run a command; its output goes to the log, and to standard error if it fails.
logged() {
    log=$LOGDIR/$1
    shift
    printf '%s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$log"
    status=0
    output=$("$@" 2>&1) || status=$?
    printf '%s\n' "$output" >>"$log"
    [ "$status" = 0 ] || printf '%s\n' "$output" >&2
    return "$status"
}

# shellcheck shell=sh
# What the scripts in backupScripts.d share: a freeze that ends by itself. Install it as /usr/local/lib/vmkops/quiesce.sh.
#
# A script defines begin, check and end, then calls quiesce NAME "$@".
#   begin  freezes the application; fails when that is not possible, and when `wanted` fails
#   check  succeeds while the application is still frozen; its last call, before the thaw, has the argument `last`
#   end    lets it go on, also when it was not frozen or when begin has failed
# They run in a process of their own, the holder, which outlives the script that VMware Tools started. The holder lets the
# application go on when it is told to, when HOLD_SECONDS are over, and when the script died before the freeze was complete.

CONFIG=${VMKOPS_GUEST_CONFIG:-/etc/vmkops-guest.conf}
if [ -e "$CONFIG" ]; then
    # shellcheck source=/dev/null
    . "$CONFIG" || exit 1
fi
RUN_DIR=${RUN_DIR:-/run/vmkops-guest}
LOG_FILE=${LOG_FILE:-/var/log/vmkops-guest.log}
FREEZE_SECONDS=${FREEZE_SECONDS:-30} # how long begin may take
HOLD_SECONDS=${HOLD_SECONDS:-120}    # how long the application stays frozen at most

say() {
    printf '%s %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$NAME" "$*" >>"$LOG_FILE" 2>/dev/null || :
    printf '%s: %s\n' "$NAME" "$*" >&2 || :
}

quiesce() {
    NAME=$1
    shift
    STATE=$RUN_DIR/$NAME
    umask 077
    case ${1:-} in
    freeze) freeze "$0" ;;
    thaw) thaw 1 ;;
    freezeFail) thaw 0 ;;
    hold) hold "$2" ;;
    *)
        echo "usage: $0 freeze | thaw | freezeFail" >&2
        exit 2
        ;;
    esac
}

# The folder must belong to this user alone: its files say which process gets a signal.
prepare() {
    mkdir -p "$RUN_DIR" && [ ! -L "$RUN_DIR" ] && chmod 700 "$RUN_DIR" &&
        [ "$(stat -c %u "$RUN_DIR")" = "$(id -u)" ]
}

holder() {
    pid=$(cat "$STATE.pid" 2>/dev/null) || return 1
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    # After a restart, or long after a crash, the number may belong to another process.
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -F -- " hold " || return 1
    echo "$pid"
}

forget() {
    rm -f "$STATE.pid" "$STATE.ready" "$STATE.confirmed" "$STATE.result"
}

freeze() {
    prepare || {
        say "cannot use $RUN_DIR: it must be a folder of this user"
        exit 1
    }
    if old=$(holder); then
        say "an earlier freeze is still there, and ends now"
        kill -TERM "$old" 2>/dev/null || :
        await_end "$old"
    fi
    forget
    trap 'give_up "stopped while it was freezing"' TERM INT HUP
    # Without the output of this script: VMware Tools may wait for its end.
    setsid "$1" hold "$$" </dev/null >/dev/null 2>&1 &
    looks=$((FREEZE_SECONDS * 5 + 10))
    while [ "$looks" -gt 0 ]; do
        [ -e "$STATE.result" ] && give_up "could not be frozen"
        if [ -e "$STATE.ready" ]; then
            : >"$STATE.confirmed"
            say "frozen"
            exit 0
        fi
        sleep 0.2
        looks=$((looks - 1))
    done
    give_up "could not be frozen in $FREEZE_SECONDS seconds"
}

give_up() {
    say "$1"
    if old=$(holder); then
        kill -TERM "$old" 2>/dev/null || :
        await_end "$old"
    fi
    forget
    exit 1
}

# Wait until the holder has ended. One that hangs is killed.
await_end() {
    looks=150
    while kill -0 "$1" 2>/dev/null && [ ! -e "$STATE.result" ]; do
        looks=$((looks - 1))
        if [ "$looks" -eq 0 ]; then
            kill -KILL "$1" 2>/dev/null || :
            return
        fi
        sleep 0.2
    done
}

thaw() { # $1: whether a freeze that ended too early is a failure
    if [ ! -e "$STATE.confirmed" ] && ! holder >/dev/null; then
        say "nothing is frozen"
        exit 0
    fi
    if old=$(holder); then
        kill -TERM "$old" 2>/dev/null || :
        await_end "$old"
    fi
    result=$(cat "$STATE.result" 2>/dev/null) || result=
    if [ -z "$result" ]; then
        # Somebody has killed the holder.
        end || :
        result=lost
    fi
    forget
    case $result in
    released)
        say "goes on"
        exit 0
        ;;
    *)
        say "was no longer frozen at the thaw ($result): the copy may be inconsistent"
        exit "$1"
        ;;
    esac
}

# Whether the script that asked for the freeze still waits for it.
wanted() {
    [ -z "$told" ] && kill -0 "$starter" 2>/dev/null
}

hold() { # $1: the process of the script that VMware Tools started
    told=
    starter=$1
    trap 'told=1' TERM
    trap '' HUP INT
    echo "$$" >"$STATE.pid"
    result=failed
    if begin; then
        : >"$STATE.ready"
        result=expired
        looks=$((HOLD_SECONDS * 5))
        while [ "$looks" -gt 0 ]; do
            if [ -n "$told" ]; then
                if check last; then result=released; else result=lost; fi
                break
            fi
            if [ ! -e "$STATE.confirmed" ] && ! wanted; then
                result=abandoned
                break
            fi
            if ! check; then
                result=lost
                break
            fi
            sleep 0.2
            looks=$((looks - 1))
        done
    fi
    # Before anything else: the log may be on a file system that is frozen.
    end || result="$result, and could not go on"
    echo "$result" >"$STATE.result"
    rm -f "$STATE.pid"
    [ "$result" = released ] || say "$result"
    [ -e "$STATE.confirmed" ] || [ "$result" = failed ] || forget
    exit 0
}

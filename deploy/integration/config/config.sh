# The settings of the scripts in this folder: shell assignments. docs/mount.md explains them.
# shellcheck shell=sh disable=SC2034

# VMKOPS_MOUNT_DIR of the service, as this host sees it.
BACKUPROOT=/var/lib/vmkops/mounts
# Each VM has two logs here: pre_NAME.log and post_NAME.log.
LOGDIR=/var/log/vmkops
# How long a VM stays staged if nobody unmounts it or renews its lease, and whether its guest is quiesced: prefer, require or none.
LEASE=24h
QUIESCE=prefer

# The service, and a file with a token of the scope operate, on one line, that only the user of the scripts can read.
export VMKOPS_SERVICE_URL=http://127.0.0.1:8080
export VMKOPS_TOKEN_FILE=/etc/vmkops/backup-token
PATH=$PATH:/opt/vmkops/bin

BEGIN TRANSACTION;
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO "application_versions" VALUES('2b0bae15-7916-4995-babd-e29e0e9aa129','1',1795654914000,1795654914000,'vmkops');
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',1,'quiesce','python:{''name'': ''DC0_C0_RP0_VM0'', ''uuid'': ''7dc847e3-ffa0-55fc-9c65-18f9246b4527'', ''quiesce'': True, ''running'': True, ''allocated'': 233, ''parallel'': 2, ''turns'': [''host:host-57'', ''datastore:datastore-59''], ''eligible'': [''disk-202-0''], ''left_out'': [], ''detail'': ''VMware Tools run: the guest is asked to flush its file systems''}',NULL,NULL,1795654916066,1795654916166,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',2,'snapshot','python:{''moref'': ''snapshot-80'', ''consistency'': ''quiesced'', ''detail'': ''vmkops b42a5e908bfbe83b, quiesced''}',NULL,NULL,1795654916188,1795654916393,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',3,'unquiesce','python:{''detail'': ''the guest was thawed when the snapshot was done''}',NULL,NULL,1795654916424,1795654916448,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',4,'mount','python:{''lease'': ''session[04a99509-b93f-42a9-a81f-fea36b26b96d]04a99509-b93f-42a9-a81f-fea36b26b96d-1'', ''disks'': [{''key'': ''/vm-71/ParaVirtualSCSIController0:0'', ''file'': ''disk-0.vmdk'', ''size'': None}], ''missing'': 0, ''detail'': ''1 disk(s) to read''}',NULL,NULL,1795654916481,1795654916554,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',5,'back up: disk-0.vmdk','python:{''key'': ''/vm-71/ParaVirtualSCSIController0:0'', ''file'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2'', ''detail'': ''DC0_C0_RP0_VM0-disk-0.vmdk: 2363 bytes, with the SHA-256 that the host sent''}',NULL,NULL,1795654916573,1795654916743,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',6,'back up: package','python:{''package'': ''@backups-dir@/DC0_C0_RP0_VM0/b42a5e908bfbe83b'', ''files'': [''DC0_C0_RP0_VM0-disk-0.vmdk'', ''DC0_C0_RP0_VM0.mf'', ''DC0_C0_RP0_VM0.ovf'', ''backup.json''], ''size'': 2363, ''disks'': [{''key'': ''/vm-71/ParaVirtualSCSIController0:0'', ''file'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2''}], ''missing'': 0, ''detail'': ''4 files, 2363 bytes''}',NULL,NULL,1795654916760,1795654916820,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',7,'unmount','python:{''detail'': ''export lease completed''}',NULL,NULL,1795654916845,1795654916920,'py_pickle','vmkops',1795654916000);
INSERT INTO "operation_outputs" VALUES('b42a5e908bfbe83b',8,'remove snapshot','python:{''removed'': True, ''consolidated'': True, ''detail'': ''gone from the tree''}',NULL,NULL,1795654916943,1795654917140,'py_pickle','vmkops',1795654917000);
INSERT INTO "operation_outputs" VALUES('2a27caa88ec346d4',1,'read every file','python:{''id'': ''b42a5e908bfbe83b'', ''state'': ''unverified'', ''reason'': '''', ''vm'': {''name'': ''DC0_C0_RP0_VM0'', ''uuid'': ''7dc847e3-ffa0-55fc-9c65-18f9246b4527'', ''moref'': ''vm-71'', ''vcenter'': ''default''}, ''path'': ''@backups-dir@/DC0_C0_RP0_VM0/b42a5e908bfbe83b'', ''created_at'': ''2026-11-26T01:01:56.812000Z'', ''requested_by'': ''token:test'', ''consistency'': ''quiesced'', ''size'': 2363, ''disks'': [{''file'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2''}], ''left_out'': [], ''missing'': 0, ''verified'': None, ''files'': [''DC0_C0_RP0_VM0.ovf'', ''DC0_C0_RP0_VM0-disk-0.vmdk'']}',NULL,NULL,1795654917436,1795654917458,'py_pickle','vmkops',1795654917000);
INSERT INTO "operation_outputs" VALUES('2a27caa88ec346d4',2,'read every file: DC0_C0_RP0_VM0.ovf','python:{''size'': 4006, ''sha256'': ''2b3ef9f057da92c56634307054df574a21aaa605952d687eaccd9b5c7a788936'', ''detail'': ''DC0_C0_RP0_VM0.ovf: 4006 bytes''}',NULL,NULL,1795654917472,1795654917504,'py_pickle','vmkops',1795654917000);
INSERT INTO "operation_outputs" VALUES('2a27caa88ec346d4',3,'read every file: DC0_C0_RP0_VM0-disk-0.vmdk','python:{''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2'', ''detail'': ''DC0_C0_RP0_VM0-disk-0.vmdk: 2363 bytes''}',NULL,NULL,1795654917520,1795654917576,'py_pickle','vmkops',1795654917000);
INSERT INTO "operation_outputs" VALUES('2a27caa88ec346d4',4,'follow the descriptor','python:{''problems'': [], ''warnings'': ["Descriptor, line 8: Disk ''vmdisk1'' has a capacity of 10737418240 bytes here and 3767812437150307771904 in ''DC0_C0_RP0_VM0-disk-0.vmdk''."], ''detail'': "Descriptor, line 8: Disk ''vmdisk1'' has a capacity of 10737418240 bytes here and 3767812437150307771904 in ''DC0_C0_RP0_VM0-disk-0.vmdk''."}',NULL,NULL,1795654917585,1795654917611,'py_pickle','vmkops',1795654917000);
INSERT INTO "operation_outputs" VALUES('2a27caa88ec346d4',5,'keep the verdict','python:{''verdict'': ''good'', ''verified_at'': ''2026-11-26T01:01:57.647771Z'', ''verified_by'': ''token:test'', ''job'': ''2a27caa88ec346d4'', ''problems'': [], ''warnings'': ["Descriptor, line 8: Disk ''vmdisk1'' has a capacity of 10737418240 bytes here and 3767812437150307771904 in ''DC0_C0_RP0_VM0-disk-0.vmdk''."], ''detail'': ''the backup is good''}',NULL,NULL,1795654917618,1795654917656,'py_pickle','vmkops',1795654917000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',1,'quiesce','python:{''name'': ''DC0_H0_VM0'', ''uuid'': ''63d40cc5-9cba-5cc1-884a-f7f19070ecea'', ''quiesce'': True, ''running'': True, ''allocated'': 233, ''parallel'': 2, ''turns'': [''host:host-21'', ''datastore:datastore-59''], ''eligible'': [''disk-202-0''], ''left_out'': [], ''detail'': ''VMware Tools run: the guest is asked to flush its file systems''}',NULL,NULL,1795654917984,1795654918051,'py_pickle','vmkops',1795654918000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',2,'snapshot','python:{''moref'': ''snapshot-83'', ''consistency'': ''quiesced'', ''detail'': ''vmkops 7abaf6d584cd07ea, quiesced''}',NULL,NULL,1795654918067,1795654918198,'py_pickle','vmkops',1795654918000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',3,'unquiesce','python:{''detail'': ''the guest was thawed when the snapshot was done''}',NULL,NULL,1795654918228,1795654918240,'py_pickle','vmkops',1795654918000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',4,'mount','python:{''lease'': ''session[04a99509-b93f-42a9-a81f-fea36b26b96d]04a99509-b93f-42a9-a81f-fea36b26b96d-2'', ''disks'': [{''key'': ''/vm-62/ParaVirtualSCSIController0:0'', ''file'': ''disk-0.vmdk'', ''size'': None}], ''missing'': 0, ''detail'': ''1 disk(s) to read''}',NULL,NULL,1795654918264,1795654918308,'py_pickle','vmkops',1795654918000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',5,'back up: disk-0.vmdk',NULL,'gASVVgAAAAAAAACMDnNlcnZpY2UuZXJyb3JzlIwMSm9iQ2FuY2VsbGVklJOUjBhDYW5jZWxsZWQgYnkgdG9rZW46dGVzdC6UhZRSlH2UjAtzdWdnZXN0aW9uc5RdlHNiLg==',NULL,1795654918320,1795654920416,'py_pickle','vmkops',1795654920000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',6,'unmount: give up','python:{''detail'': ''given up''}',NULL,NULL,1795654920427,1795654920440,'py_pickle','vmkops',1795654920000);
INSERT INTO "operation_outputs" VALUES('7abaf6d584cd07ea',7,'remove snapshot: give up','python:{''removed'': True, ''consolidated'': True, ''detail'': ''gone from the tree''}',NULL,NULL,1795654920446,1795654920561,'py_pickle','vmkops',1795654920000);
INSERT INTO "operation_outputs" VALUES('d783dea7f93226ef',1,'quiesce',NULL,'gASVjQAAAAAAAACMDnNlcnZpY2UuZXJyb3JzlIwIQ29uZmxpY3SUk5SMU0l0cyBkaXNrcyBuZWVkIGNvbnNvbGlkYXRpb247IGEgc25hcHNob3Qgd291bGQgbWFrZSBpdCB3b3JzZS4gQ29uc29saWRhdGUgaXQgZmlyc3QulIWUUpR9lIwLc3VnZ2VzdGlvbnOUXZRzYi4=',NULL,1795654920890,1795654920939,'py_pickle','vmkops',1795654920000);
INSERT INTO "operation_outputs" VALUES('61910281d54d6d22',1,'quiesce','python:{''name'': ''DC0_H0_VM0'', ''uuid'': ''63d40cc5-9cba-5cc1-884a-f7f19070ecea'', ''quiesce'': True, ''running'': True, ''allocated'': 2481, ''parallel'': 2, ''turns'': [''host:host-21'', ''datastore:datastore-59''], ''eligible'': [''disk-202-0''], ''left_out'': [], ''detail'': ''VMware Tools run: the guest is asked to flush its file systems''}',NULL,NULL,1795654932652,1795654932742,'py_pickle','vmkops',1795654932000);
INSERT INTO "operation_outputs" VALUES('6a2cebc954eb15a7',1,'quiesce','python:{''name'': ''DC0_H0_VM1'', ''uuid'': ''cbdc036a-3e40-58a6-9860-33428d2c3927'', ''quiesce'': True, ''running'': True, ''allocated'': 233, ''parallel'': 2, ''turns'': [''host:host-21'', ''datastore:datastore-59''], ''eligible'': [''disk-202-0''], ''left_out'': [], ''detail'': ''VMware Tools run: the guest is asked to flush its file systems''}',NULL,NULL,1795654932653,1795654932756,'py_pickle','vmkops',1795654932000);
INSERT INTO "operation_outputs" VALUES('6a2cebc954eb15a7',2,'snapshot','python:{''moref'': ''@failing-snapshot@'', ''consistency'': ''quiesced'', ''detail'': ''vmkops 6a2cebc954eb15a7, quiesced''}',NULL,NULL,1795654932850,1795654933029,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('6a2cebc954eb15a7',3,'unquiesce','python:{''detail'': ''the guest was thawed when the snapshot was done''}',NULL,NULL,1795654933039,1795654933059,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('61910281d54d6d22',2,'snapshot','python:{''moref'': ''@copying-snapshot@'', ''consistency'': ''quiesced'', ''detail'': ''vmkops 61910281d54d6d22, quiesced''}',NULL,NULL,1795654932777,1795654933044,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('61910281d54d6d22',3,'unquiesce','python:{''detail'': ''the guest was thawed when the snapshot was done''}',NULL,NULL,1795654933097,1795654933116,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('6a2cebc954eb15a7',4,'mount',NULL,'gASVoQAAAAAAAACMDnNlcnZpY2UuZXJyb3JzlIwOVlNwaGVyZVJlZnVzZWSUk5SMYVRoZSB2Q2VudGVyIHVzZXIgbGFja3MgYSBwcml2aWxlZ2UgZm9yIHRoaXMgKE5vUGVybWlzc2lvbikuIEdpdmUgaXQgdGhhdCBwcml2aWxlZ2UgYW5kIHRyeSBhZ2Fpbi6UhZRSlH2UjAtzdWdnZXN0aW9uc5RdlHNiLg==',NULL,1795654933085,1795654933155,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('6a2cebc954eb15a7',5,'unmount: give up','python:{''detail'': ''no lease was open''}',NULL,NULL,1795654933220,1795654933244,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('61910281d54d6d22',4,'mount','python:{''lease'': ''session[c6894343-4f83-404d-9a83-2b27722d3f69]c6894343-4f83-404d-9a83-2b27722d3f69-3'', ''disks'': [{''key'': ''/vm-62/ParaVirtualSCSIController0:0'', ''file'': ''disk-0.vmdk'', ''size'': None}], ''missing'': 0, ''detail'': ''1 disk(s) to read''}',NULL,NULL,1795654933126,1795654933213,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',1,'quiesce','python:{''name'': ''DC0_H0_VM2'', ''uuid'': ''000f2ccd-d8f2-5afc-93ce-035335fcdc8e'', ''quiesce'': True, ''running'': True, ''allocated'': 233, ''parallel'': 2, ''turns'': [''host:host-21'', ''datastore:datastore-59''], ''eligible'': [''disk-202-0''], ''left_out'': [], ''detail'': ''VMware Tools run: the guest is asked to flush its file systems''}',NULL,NULL,1795654933546,1795654933692,'py_pickle','vmkops',1795654933000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',2,'snapshot','python:{''moref'': ''@finishing-snapshot@'', ''consistency'': ''quiesced'', ''detail'': ''vmkops c8eb896846c2bd96, quiesced''}',NULL,NULL,1795654933721,1795654934028,'py_pickle','vmkops',1795654934000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',3,'unquiesce','python:{''detail'': ''the guest was thawed when the snapshot was done''}',NULL,NULL,1795654934048,1795654934090,'py_pickle','vmkops',1795654934000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',4,'mount','python:{''lease'': ''session[c6894343-4f83-404d-9a83-2b27722d3f69]c6894343-4f83-404d-9a83-2b27722d3f69-4'', ''disks'': [{''key'': ''/vm-68/ParaVirtualSCSIController0:0'', ''file'': ''disk-0.vmdk'', ''size'': None}], ''missing'': 0, ''detail'': ''1 disk(s) to read''}',NULL,NULL,1795654934120,1795654934311,'py_pickle','vmkops',1795654934000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',5,'back up: disk-0.vmdk','python:{''key'': ''/vm-68/ParaVirtualSCSIController0:0'', ''file'': ''DC0_H0_VM2-disk-0.vmdk'', ''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2'', ''detail'': ''DC0_H0_VM2-disk-0.vmdk: 2363 bytes, with the SHA-256 that the host sent''}',NULL,NULL,1795654934356,1795654934624,'py_pickle','vmkops',1795654934000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',6,'back up: package','python:{''package'': ''@backups-dir@/DC0_H0_VM2/c8eb896846c2bd96'', ''files'': [''DC0_H0_VM2-disk-0.vmdk'', ''DC0_H0_VM2.mf'', ''DC0_H0_VM2.ovf'', ''backup.json''], ''size'': 2363, ''disks'': [{''key'': ''/vm-68/ParaVirtualSCSIController0:0'', ''file'': ''DC0_H0_VM2-disk-0.vmdk'', ''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2''}], ''missing'': 0, ''detail'': ''4 files, 2363 bytes''}',NULL,NULL,1795654934644,1795654934725,'py_pickle','vmkops',1795654934000);
INSERT INTO "operation_outputs" VALUES('c8eb896846c2bd96',7,'unmount','python:{''detail'': ''export lease completed''}',NULL,NULL,1795654934768,1795654934824,'py_pickle','vmkops',1795654934000);
INSERT INTO "operation_outputs" VALUES('220e66be87ddc740',1,'check','python:{''state'': {''moref'': ''vm-77'', ''name'': ''DC0_C0_RP0_VM2'', ''at'': ''2026-11-26T01:02:15.367587+00:00'', ''host'': ''host-57'', ''connection'': ''connected'', ''power_state'': ''poweredOn'', ''template'': False, ''tools_running'': True, ''time_sync'': False, ''consolidation_needed'': False, ''question'': None, ''snapshots'': [], ''tasks'': []}, ''detail'': ''The guest is not asked; guest-shutdown would, as its VMware Tools run.''}',NULL,NULL,1795654935339,1795654935380,'py_pickle','vmkops',1795654935000);
INSERT INTO "operation_outputs" VALUES('921b9fe033bdd05b',1,'read the package','python:{''title'': ''backup b42a5e908bfbe83b of DC0_C0_RP0_VM0'', ''vm'': ''restored'', ''note'': ''Restored from the backup b42a5e908bfbe83b of DC0_C0_RP0_VM0, made 2026-11-26T01:01:56.812000+00:00.'', ''root'': ''@backups-dir@/DC0_C0_RP0_VM0/b42a5e908bfbe83b'', ''descriptor'': {''name'': ''DC0_C0_RP0_VM0.ovf'', ''path'': ''DC0_C0_RP0_VM0.ovf'', ''size'': 4006, ''offset'': 0, ''algorithm'': ''sha256'', ''digest'': ''2b3ef9f057da92c56634307054df574a21aaa605952d687eaccd9b5c7a788936'', ''disk'': False}, ''files'': [{''name'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''path'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''size'': 2363, ''offset'': 0, ''algorithm'': ''sha256'', ''digest'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2'', ''disk'': True}], ''networks'': [''DC0_DVPG0''], ''capacities'': [10737418240], ''warnings'': [], ''detail'': ''backup b42a5e908bfbe83b of DC0_C0_RP0_VM0: 1 file(s), 2363 bytes, to be restored''}',NULL,NULL,1795654935671,1795654935699,'py_pickle','vmkops',1795654935000);
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
INSERT INTO "queues" VALUES('42151D683BE4C758FB9D3AB2FC4EA4DD','actions',5,NULL,NULL,NULL,1,0,0.25,1795654914000,1795654930919,'vmkops',NULL,NULL,NULL,NULL);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
INSERT INTO "workflow_events" VALUES('b42a5e908bfbe83b','now','python:{''step'': ''remove snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.946155+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('b42a5e908bfbe83b','progress','python:{''done'': 2363, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events" VALUES('2a27caa88ec346d4','now','python:{''step'': ''keep the verdict'', ''part'': '''', ''at'': ''2026-11-26T01:01:57.620257+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('2a27caa88ec346d4','progress','python:{''done'': 6369, ''total'': 6369, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 34539.58989770742, ''eta_seconds'': 0.0}','py_pickle');
INSERT INTO "workflow_events" VALUES('7abaf6d584cd07ea','now','python:{''step'': ''remove snapshot'', ''part'': ''give up'', ''at'': ''2026-11-26T01:02:00.453745+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('7abaf6d584cd07ea','progress','python:{''done'': 1000, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 42.319085907744395, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events" VALUES('d783dea7f93226ef','now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:00.893127+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('61910281d54d6d22','now','python:{''step'': ''back up'', ''part'': ''disk-0.vmdk'', ''at'': ''2026-11-26T01:02:13.334111+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('6a2cebc954eb15a7','now','python:{''step'': ''remove snapshot'', ''part'': ''give up'', ''at'': ''2026-11-26T01:02:13.257112+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('c8eb896846c2bd96','now','python:{''step'': ''remove snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:02:14.864263+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('61910281d54d6d22','progress','python:{''done'': 1000, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 42.319085907744395, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events" VALUES('c8eb896846c2bd96','progress','python:{''done'': 2363, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events" VALUES('220e66be87ddc740','now','python:{''step'': ''power off'', ''part'': '''', ''at'': ''2026-11-26T01:02:15.407614+00:00''}','py_pickle');
INSERT INTO "workflow_events" VALUES('921b9fe033bdd05b','now','python:{''step'': ''send the disks'', ''part'': '''', ''at'': ''2026-11-26T01:02:15.720492+00:00''}','py_pickle');
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',1,'now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.070784+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',2,'now','python:{''step'': ''snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.191333+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',3,'now','python:{''step'': ''unquiesce'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.432214+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',4,'now','python:{''step'': ''mount'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.483640+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',5,'now','python:{''step'': ''back up'', ''part'': ''disk-0.vmdk'', ''at'': ''2026-11-26T01:01:56.577183+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',5,'progress','python:{''done'': 2363, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',6,'now','python:{''step'': ''back up'', ''part'': ''package'', ''at'': ''2026-11-26T01:01:56.771647+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',7,'now','python:{''step'': ''unmount'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.872553+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('b42a5e908bfbe83b',8,'now','python:{''step'': ''remove snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:01:56.946155+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',1,'now','python:{''step'': ''read every file'', ''part'': '''', ''at'': ''2026-11-26T01:01:57.438735+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',2,'now','python:{''step'': ''read every file'', ''part'': ''DC0_C0_RP0_VM0.ovf'', ''at'': ''2026-11-26T01:01:57.473861+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',2,'progress','python:{''done'': 4006, ''total'': 4006, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',3,'now','python:{''step'': ''read every file'', ''part'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''at'': ''2026-11-26T01:01:57.528600+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',3,'progress','python:{''done'': 6369, ''total'': 6369, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 34539.58989770742, ''eta_seconds'': 0.0}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',4,'now','python:{''step'': ''follow the descriptor'', ''part'': '''', ''at'': ''2026-11-26T01:01:57.591700+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('2a27caa88ec346d4',5,'now','python:{''step'': ''keep the verdict'', ''part'': '''', ''at'': ''2026-11-26T01:01:57.620257+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',1,'now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:01:57.986230+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',2,'now','python:{''step'': ''snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:01:58.074355+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',3,'now','python:{''step'': ''unquiesce'', ''part'': '''', ''at'': ''2026-11-26T01:01:58.230030+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',4,'now','python:{''step'': ''mount'', ''part'': '''', ''at'': ''2026-11-26T01:01:58.266317+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',5,'now','python:{''step'': ''back up'', ''part'': ''disk-0.vmdk'', ''at'': ''2026-11-26T01:01:58.324442+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',5,'progress','python:{''done'': 1000, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 42.319085907744395, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',6,'now','python:{''step'': ''unmount'', ''part'': ''give up'', ''at'': ''2026-11-26T01:02:00.429846+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('7abaf6d584cd07ea',7,'now','python:{''step'': ''remove snapshot'', ''part'': ''give up'', ''at'': ''2026-11-26T01:02:00.453745+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('d783dea7f93226ef',1,'now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:00.893127+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('61910281d54d6d22',1,'now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:12.657043+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('6a2cebc954eb15a7',1,'now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:12.657117+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('61910281d54d6d22',2,'now','python:{''step'': ''snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:02:12.780485+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('6a2cebc954eb15a7',2,'now','python:{''step'': ''snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:02:12.852960+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('6a2cebc954eb15a7',3,'now','python:{''step'': ''unquiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:13.041907+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('61910281d54d6d22',3,'now','python:{''step'': ''unquiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:13.103215+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('6a2cebc954eb15a7',4,'now','python:{''step'': ''mount'', ''part'': '''', ''at'': ''2026-11-26T01:02:13.104306+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('61910281d54d6d22',4,'now','python:{''step'': ''mount'', ''part'': '''', ''at'': ''2026-11-26T01:02:13.132367+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('6a2cebc954eb15a7',5,'now','python:{''step'': ''unmount'', ''part'': ''give up'', ''at'': ''2026-11-26T01:02:13.222713+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('6a2cebc954eb15a7',6,'now','python:{''step'': ''remove snapshot'', ''part'': ''give up'', ''at'': ''2026-11-26T01:02:13.257112+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('61910281d54d6d22',5,'now','python:{''step'': ''back up'', ''part'': ''disk-0.vmdk'', ''at'': ''2026-11-26T01:02:13.334111+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',1,'now','python:{''step'': ''quiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:13.556549+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',2,'now','python:{''step'': ''snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:02:13.732938+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',3,'now','python:{''step'': ''unquiesce'', ''part'': '''', ''at'': ''2026-11-26T01:02:14.056223+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',4,'now','python:{''step'': ''mount'', ''part'': '''', ''at'': ''2026-11-26T01:02:14.143241+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('61910281d54d6d22',5,'progress','python:{''done'': 1000, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 42.319085907744395, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',5,'now','python:{''step'': ''back up'', ''part'': ''disk-0.vmdk'', ''at'': ''2026-11-26T01:02:14.369991+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',5,'progress','python:{''done'': 2363, ''total'': 2363, ''unit'': ''bytes'', ''percent'': 100.0, ''rate'': 0.0, ''eta_seconds'': None}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',6,'now','python:{''step'': ''back up'', ''part'': ''package'', ''at'': ''2026-11-26T01:02:14.648188+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',7,'now','python:{''step'': ''unmount'', ''part'': '''', ''at'': ''2026-11-26T01:02:14.770952+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('c8eb896846c2bd96',8,'now','python:{''step'': ''remove snapshot'', ''part'': '''', ''at'': ''2026-11-26T01:02:14.864263+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('220e66be87ddc740',1,'now','python:{''step'': ''check'', ''part'': '''', ''at'': ''2026-11-26T01:02:15.350219+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('220e66be87ddc740',2,'now','python:{''step'': ''power off'', ''part'': '''', ''at'': ''2026-11-26T01:02:15.407614+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('921b9fe033bdd05b',1,'now','python:{''step'': ''read the package'', ''part'': '''', ''at'': ''2026-11-26T01:02:15.674632+00:00''}','py_pickle');
INSERT INTO "workflow_events_history" VALUES('921b9fe033bdd05b',2,'now','python:{''step'': ''send the disks'', ''part'': '''', ''at'': ''2026-11-26T01:02:15.720492+00:00''}','py_pickle');
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_input" VALUES('b42a5e908bfbe83b','python:{''args'': (''backup'', {''vm'': ''moref:vm-71'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654915000);
INSERT INTO "workflow_input" VALUES('2a27caa88ec346d4','python:{''args'': (''verify-backup'', {''backup'': ''b42a5e908bfbe83b''}, ''token:test''), ''kwargs'': {}}',1795654917000);
INSERT INTO "workflow_input" VALUES('7abaf6d584cd07ea','python:{''args'': (''backup'', {''vm'': ''moref:vm-62'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654917000);
INSERT INTO "workflow_input" VALUES('d783dea7f93226ef','python:{''args'': (''backup'', {''vm'': ''moref:vm-74'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654919000);
INSERT INTO "workflow_input" VALUES('61910281d54d6d22','python:{''args'': (''backup'', {''vm'': ''moref:vm-62'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654932000);
INSERT INTO "workflow_input" VALUES('6a2cebc954eb15a7','python:{''args'': (''backup'', {''vm'': ''moref:vm-65'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654932000);
INSERT INTO "workflow_input" VALUES('c8eb896846c2bd96','python:{''args'': (''backup'', {''vm'': ''moref:vm-68'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654933000);
INSERT INTO "workflow_input" VALUES('220e66be87ddc740','python:{''args'': (''power-off'', {''vm'': ''moref:vm-77''}, ''token:test''), ''kwargs'': {}}',1795654935000);
INSERT INTO "workflow_input" VALUES('921b9fe033bdd05b','python:{''args'': (''restore'', {''backup'': ''b42a5e908bfbe83b'', ''pool'': ''moref:resgroup-27'', ''datastore'': ''moref:datastore-59'', ''folder'': ''moref:group-2'', ''vcenter'': ''default'', ''networks'': {''DC0_DVPG0'': ''moref:dvportgroup-12''}, ''name'': ''restored''}, ''token:test''), ''kwargs'': {}}',1795654935000);
INSERT INTO "workflow_input" VALUES('422d661e155896fe','python:{''args'': (''backup'', {''vm'': ''moref:vm-74'', ''quiesce'': ''prefer''}, ''token:test''), ''kwargs'': {}}',1795654936000);
INSERT INTO "workflow_input" VALUES('c55ddced5f10a1a4','python:{''args'': (''reset'', {''vm'': ''moref:vm-71''}, ''token:test''), ''kwargs'': {}}',1795654936000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_output" VALUES('b42a5e908bfbe83b','python:{''state'': ''succeeded'', ''result'': {''package'': ''@backups-dir@/DC0_C0_RP0_VM0/b42a5e908bfbe83b'', ''files'': [''DC0_C0_RP0_VM0-disk-0.vmdk'', ''DC0_C0_RP0_VM0.mf'', ''DC0_C0_RP0_VM0.ovf'', ''backup.json''], ''size'': 2363, ''disks'': [{''key'': ''/vm-71/ParaVirtualSCSIController0:0'', ''file'': ''DC0_C0_RP0_VM0-disk-0.vmdk'', ''size'': 2363, ''sha256'': ''fa8559780cee3de5ac9242133fe98e265c36ffe853b5e286cd38812314edd4e2''}], ''missing'': 0, ''detail'': ''4 files, 2363 bytes'', ''consistency'': ''quiesced'', ''left_out'': [], ''snapshot_removed'': True, ''consolidated'': True}}',NULL,1795654917000);
INSERT INTO "workflow_output" VALUES('2a27caa88ec346d4','python:{''state'': ''succeeded'', ''result'': {''backup'': ''b42a5e908bfbe83b'', ''vm'': ''DC0_C0_RP0_VM0'', ''size'': 6369, ''verdict'': ''good'', ''verified_at'': ''2026-11-26T01:01:57.647771Z'', ''verified_by'': ''token:test'', ''job'': ''2a27caa88ec346d4'', ''problems'': [], ''warnings'': ["Descriptor, line 8: Disk ''vmdisk1'' has a capacity of 10737418240 bytes here and 3767812437150307771904 in ''DC0_C0_RP0_VM0-disk-0.vmdk''."], ''detail'': ''the backup is good''}}',NULL,1795654917000);
INSERT INTO "workflow_output" VALUES('7abaf6d584cd07ea','python:{''state'': ''cancelled'', ''error'': {''type'': ''urn:vmkops:cancelled'', ''title'': ''Job cancelled'', ''status'': 500, ''detail'': ''Cancelled by token:test.'', ''suggestions'': []}}',NULL,1795654920000);
INSERT INTO "workflow_output" VALUES('d783dea7f93226ef','python:{''state'': ''failed'', ''error'': {''type'': ''urn:vmkops:conflict'', ''title'': ''Conflict'', ''status'': 409, ''detail'': ''Its disks need consolidation; a snapshot would make it worse. Consolidate it first.'', ''suggestions'': []}}',NULL,1795654920000);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
INSERT INTO "workflow_schedules" VALUES('2aba3c32-b7e5-49bd-820e-8782f4593000','leap-day','vmkops.schedule',NULL,'0 0 29 2 *','ACTIVE','python:{''name'': ''leap-day'', ''action'': ''ping'', ''params'': {''vcenter'': ''''}, ''created_by'': ''token:test'', ''changed_at'': ''2026-11-26T01:02:01.165541+00:00''}',NULL,0,'Europe/Berlin',NULL,'vmkops');
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO "workflow_status" VALUES('b42a5e908bfbe83b','SUCCESS','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654915000,1795654917000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654916000,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795654917000,'{"action": "backup", "target": "DC0_C0_RP0_VM0", "params": {"vm": "moref:vm-71", "quiesce": "prefer"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-71"]}',NULL,NULL,0,'vmkops','683d6bc3-13fc-4af7-8e5e-dfc880658c7d');
INSERT INTO "workflow_status" VALUES('2a27caa88ec346d4','SUCCESS','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654917000,1795654917000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654917000,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795654917000,'{"action": "verify-backup", "target": "DC0_C0_RP0_VM0 b42a5e908bfbe83b", "params": {"backup": "b42a5e908bfbe83b"}, "requested_by": "token:test", "reply_to": null, "keys": ["backup:b42a5e908bfbe83b"]}',NULL,NULL,0,'vmkops','7e3d372b-9a86-4ad7-b0d8-74662e4783c9');
INSERT INTO "workflow_status" VALUES('7abaf6d584cd07ea','SUCCESS','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654917000,1795654920000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654917000,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795654920000,'{"action":"backup","target":"DC0_H0_VM0","params":{"vm":"moref:vm-62","quiesce":"prefer"},"requested_by":"token:test","reply_to":null,"keys":["vm:vm-62"],"cancelled_by":"token:test"}',NULL,NULL,0,'vmkops','1aef1528-6b3e-495c-a5f6-a359b3e8f53c');
INSERT INTO "workflow_status" VALUES('d783dea7f93226ef','SUCCESS','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654919000,1795654920000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654920000,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1795654920000,'{"action": "backup", "target": "DC0_C0_RP0_VM1", "params": {"vm": "moref:vm-74", "quiesce": "prefer"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-74"]}',NULL,NULL,0,'vmkops','096a3344-fdd6-44a6-b913-bf671b7bde50');
INSERT INTO "workflow_status" VALUES('61910281d54d6d22','PENDING','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654932000,1795654932000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654932000,NULL,0,NULL,NULL,'c1cfff61-9e31-43c9-ad2c-a19a20b0263c',NULL,'py_pickle',NULL,0,0,NULL,'{"action": "backup", "target": "DC0_H0_VM0", "params": {"vm": "moref:vm-62", "quiesce": "prefer"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-62"]}',NULL,NULL,0,'vmkops','016f798f-7451-4a50-b8f4-e631a36bea57');
INSERT INTO "workflow_status" VALUES('6a2cebc954eb15a7','PENDING','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654932000,1795654932000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654932000,NULL,0,NULL,NULL,'c1cfff61-9e31-43c9-ad2c-a19a20b0263c',NULL,'py_pickle',NULL,0,0,NULL,'{"action": "backup", "target": "DC0_H0_VM1", "params": {"vm": "moref:vm-65", "quiesce": "prefer"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-65"]}',NULL,NULL,0,'vmkops','47bb8025-e7b0-400d-92f5-68536b36115f');
INSERT INTO "workflow_status" VALUES('c8eb896846c2bd96','PENDING','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654933000,1795654933000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654933000,NULL,0,NULL,NULL,'c4cfb6aa-e532-4f04-90e8-e8a5a8d7c427',NULL,'py_pickle',NULL,0,0,NULL,'{"action": "backup", "target": "DC0_H0_VM2", "params": {"vm": "moref:vm-68", "quiesce": "prefer"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-68"]}',NULL,NULL,0,'vmkops','2b5bae90-ed9d-4408-b2b0-f130e131628e');
INSERT INTO "workflow_status" VALUES('220e66be87ddc740','PENDING','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654935000,1795654935000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654935000,NULL,0,NULL,NULL,'000eb488-f905-490f-846d-dace4b8cdfe5',NULL,'py_pickle',NULL,0,0,NULL,'{"action": "power-off", "target": "DC0_C0_RP0_VM2", "params": {"vm": "moref:vm-77"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-77"]}',NULL,NULL,0,'vmkops','63cf8565-6691-4b4d-9f47-b779919155f1');
INSERT INTO "workflow_status" VALUES('921b9fe033bdd05b','PENDING','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654935000,1795654935000,'1','',NULL,NULL,1,'actions',NULL,NULL,NULL,1795654935000,NULL,0,NULL,NULL,'9349debc-f190-4682-a755-9d5948936034',NULL,'py_pickle',NULL,0,0,NULL,'{"action": "restore", "target": "DC0_C0_RP0_VM0 b42a5e908bfbe83b as restored", "params": {"backup": "b42a5e908bfbe83b", "pool": "moref:resgroup-27", "datastore": "moref:datastore-59", "folder": "moref:group-2", "vcenter": "default", "networks": {"DC0_DVPG0": "moref:dvportgroup-12"}, "name": "restored"}, "requested_by": "token:test", "reply_to": null, "keys": ["restore:b42a5e908bfbe83b:restored", "new-vm:restored"]}',NULL,NULL,0,'vmkops','3aa6b0dd-686c-44d9-b8ff-747b34583954');
INSERT INTO "workflow_status" VALUES('422d661e155896fe','ENQUEUED','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654936000,1795654936000,'1','',NULL,NULL,0,'actions',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,NULL,'{"action": "backup", "target": "DC0_C0_RP0_VM1", "params": {"vm": "moref:vm-74", "quiesce": "prefer"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-74"]}',NULL,NULL,0,'vmkops','a3f16b5d-0137-4f22-bab2-734604905f0e');
INSERT INTO "workflow_status" VALUES('c55ddced5f10a1a4','ENQUEUED','vmkops.action',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795654936000,1795654936000,'1','',NULL,NULL,0,'actions',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,NULL,'{"action": "reset", "target": "DC0_C0_RP0_VM0", "params": {"vm": "moref:vm-71"}, "requested_by": "token:test", "reply_to": null, "keys": ["vm:vm-71"]}',NULL,NULL,0,'vmkops','d657c038-5821-4cf9-9cd7-5673dd4a0980');
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
COMMIT;

BEGIN TRANSACTION;
CREATE TABLE attempts (
	id TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	contact INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT NOT NULL, 
	caller TEXT NOT NULL, 
	caller_number TEXT NOT NULL, 
	law TEXT NOT NULL, 
	controller TEXT NOT NULL, 
	override BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	covered BOOLEAN NOT NULL, 
	guaranteed BOOLEAN NOT NULL, 
	agent TEXT, 
	waited BOOLEAN NOT NULL, 
	started_at BIGINT NOT NULL, 
	admitted_at BIGINT, 
	rang_at BIGINT, 
	answered_at BIGINT, 
	noise_at BIGINT, 
	bridged_at BIGINT, 
	heard_at BIGINT, 
	ended_at BIGINT, 
	ended_by TEXT, 
	outcome TEXT, 
	answer_class TEXT, 
	answerer TEXT, 
	cause INTEGER NOT NULL, 
	sip INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(campaign) REFERENCES campaigns (id), 
	FOREIGN KEY(contact) REFERENCES contacts (id)
);
INSERT INTO "attempts" VALUES('call-0','spring',1,'+393470000000','AgzVEV4Gj3ksktPH8VV-XA','acme','+390212345678','lax','main',0,'ended',0,0,'1001',0,1795526647357036,1772445600123456,1772445602123456,1772445608123456,1772445608123756,1772445609373456,NULL,1772445610777777,'callee','connected','machine','machine',16,200);
INSERT INTO "attempts" VALUES('call-1','spring',2,'+393470000001','wsaY9LK1d3UF08AE8q-epQ','acme','+390212345678','lax','main',0,'ended',0,0,NULL,0,1795526647368006,1772449200123456,1772445602123456,1772445608123456,1772445608123756,NULL,NULL,1772445610777777,'callee','silent','left',NULL,16,200);
INSERT INTO "attempts" VALUES('call-2','spring',3,'','WBuQUYv1_Y1Hln2mdCjtiA','acme','+390212345678','lax','main',0,'ended',0,0,NULL,0,1795526647373340,1772452800123456,1772445602123456,NULL,NULL,NULL,NULL,1772445610777777,'callee','no-answer',NULL,NULL,16,200);
INSERT INTO "attempts" VALUES('call-3','spring',4,'+393470000003','yeHYnnJm3eqwHc3UJC5MEw','acme','+390212345678','lax','main',0,'ended',0,0,'1001',0,1795526647378539,1772456400123456,1772445602123456,1772445608123456,1772445608123756,1772445609373456,NULL,1772445610777777,'callee','connected','agent',NULL,16,200);
INSERT INTO "attempts" VALUES('call-4','spring',5,'+393470000004','GTdgKI4OHy-FAOtsmLpgTA','acme','+390212345678','lax','main',0,'ended',0,0,NULL,0,1795526647383656,1772460000123456,1772445602123456,NULL,NULL,NULL,NULL,1772445610777777,'callee','failed',NULL,NULL,16,200);
INSERT INTO "attempts" VALUES('call-5','spring',6,'+393470000005','awWxk4QoTj9CZKHOsdMoUw','acme','+390212345678','lax','main',0,'admitting',0,0,NULL,0,1795526647397540,1772445600123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "attempts" VALUES('call-6','spring',5,'+393470000004','GTdgKI4OHy-FAOtsmLpgTA','acme','+390212345678','lax','main',0,'ended',0,0,NULL,0,1795526647400245,1772445600123456,1772445602123456,NULL,NULL,NULL,NULL,1772445610777777,'callee','failed',NULL,NULL,16,NULL);
CREATE TABLE campaigns (
	id TEXT NOT NULL, 
	caller TEXT NOT NULL, 
	caller_number TEXT NOT NULL, 
	dial_string TEXT NOT NULL, 
	trunk TEXT NOT NULL, 
	law TEXT NOT NULL, 
	overdial FLOAT NOT NULL, 
	ring_timeout BIGINT NOT NULL, 
	wrap_up BIGINT NOT NULL, 
	calls_per_second FLOAT NOT NULL, 
	max_lines INTEGER NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	retry_pauses JSON NOT NULL, 
	override_author TEXT, 
	override_reason TEXT, 
	caller_number_answers BOOLEAN NOT NULL, 
	zone TEXT NOT NULL, 
	region TEXT NOT NULL, 
	hours TEXT, 
	segment_hours JSON NOT NULL, 
	opens_at BIGINT, 
	closes_at BIGINT, 
	message TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "campaigns" VALUES('spring','acme','+390212345678','PJSIP/{number}@trunk','PJSIP/trunk','lax',1.5,30000000,15000000,20.0,200,3,'{"busy": 1200000000, "no-answer": 10800000000, "rejected": 86400000000, "unreachable": 21600000000, "congestion": 600000000, "failed": 600000000, "cancelled": 1200000000, "left-early": 86400000000}',NULL,NULL,0,'Europe/Rome','IT',NULL,'{}',NULL,NULL,'','running','',1795526647343269);
CREATE TABLE contacts (
	id INTEGER NOT NULL, 
	campaign TEXT NOT NULL, 
	number TEXT NOT NULL, 
	name TEXT NOT NULL, 
	attributes JSON NOT NULL, 
	attempts INTEGER NOT NULL, 
	operator_due BOOLEAN NOT NULL, 
	due_at BIGINT, 
	status TEXT NOT NULL, 
	current_call TEXT, 
	last_outcome TEXT, 
	person TEXT NOT NULL, 
	consent_basis TEXT, 
	consent_source TEXT, 
	consent_at BIGINT, 
	segment TEXT NOT NULL, 
	zone TEXT NOT NULL, 
	region TEXT NOT NULL, 
	hours TEXT, 
	erased_at BIGINT, 
	PRIMARY KEY (id), 
	CONSTRAINT contacts_campaign_number UNIQUE (campaign, number), 
	FOREIGN KEY(campaign) REFERENCES campaigns (id)
);
INSERT INTO "contacts" VALUES(1,'spring','+393470000000','Name 0','{"citt\u00e0": "Forl\u00ec"}',1,0,NULL,'done',NULL,'connected','AgzVEV4Gj3ksktPH8VV-XA',NULL,NULL,NULL,'','','',NULL,NULL);
INSERT INTO "contacts" VALUES(2,'spring','+393470000001','Name 1','{"citt\u00e0": "Forl\u00ec"}',1,1,NULL,'done',NULL,'silent','wsaY9LK1d3UF08AE8q-epQ',NULL,NULL,NULL,'','','',NULL,NULL);
INSERT INTO "contacts" VALUES(3,'spring','#WBuQUYv1_Y1Hln2mdCjtiA/3','','{}',1,0,NULL,'done',NULL,'no-answer','WBuQUYv1_Y1Hln2mdCjtiA',NULL,NULL,NULL,'','','',NULL,1772445600123456);
INSERT INTO "contacts" VALUES(4,'spring','+393470000003','Name 3','{"citt\u00e0": "Forl\u00ec"}',1,0,NULL,'done',NULL,'connected','yeHYnnJm3eqwHc3UJC5MEw',NULL,NULL,NULL,'','','',NULL,NULL);
INSERT INTO "contacts" VALUES(5,'spring','+393470000004','Name 4','{"citt\u00e0": "Forl\u00ec"}',2,0,NULL,'done',NULL,'failed','GTdgKI4OHy-FAOtsmLpgTA',NULL,NULL,NULL,'','','',NULL,NULL);
INSERT INTO "contacts" VALUES(6,'spring','+393470000005','Name 5','{"citt\u00e0": "Forl\u00ec"}',0,0,NULL,'in_flight','call-5',NULL,'awWxk4QoTj9CZKHOsdMoUw',NULL,NULL,NULL,'','','',NULL,NULL);
CREATE TABLE evidence (
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	call TEXT NOT NULL, 
	person TEXT NOT NULL, 
	body TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "evidence" VALUES(1,1795526647343269,'campaign','spring','','','{"state":"draft"}','8999ab2737c1d2907e9d5e319f3d3161a12a250d8f511b825d641cb0900d1f4f');
INSERT INTO "evidence" VALUES(2,1772445600123456,'profile','spring','','','{"caller":"acme","caller_number":"+390212345678","caller_number_answers":false,"law":{"caller_id":{"free_prefixes":[],"must_answer":false,"required":false},"consent_required":false,"country":"IT","cut_after":3.0,"dead_man_after":2.8,"extends":"","hang_up_after":2.7,"hours":null,"leave_alone":432000.0,"limits":[{"days":null,"denominator":"successes","name":"campaign","share":"3/100"}],"name":"lax","noise_within":0.2,"operator_guaranteed":true,"override":null,"played":"noise","register":null,"retention":63158400.0,"ring_at_least":0.0,"superseded":""},"ring_timeout":30.0,"zone":"Europe/Rome"}','2d302a08251b3fc8ffd459c380d6d0c24b95a76a8b9145b11e65f278758883bc');
INSERT INTO "evidence" VALUES(3,1795526647356301,'campaign','spring','','','{"reason":"","state":"running"}','fcd2d3ddce71bbc869af0d3c9846c2b5cf1dd54c44591ea00443afeef1a9fee3');
INSERT INTO "evidence" VALUES(4,1772445600123456,'attempt','spring','call-0','AgzVEV4Gj3ksktPH8VV-XA','{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}','2e76c3f46254295eab3d8bc1e5a87e245959d48e68ad5d065f055b71c92d5363');
INSERT INTO "evidence" VALUES(5,1772445608123456,'answer','spring','call-0','AgzVEV4Gj3ksktPH8VV-XA','{}','7c84ee5eea10fefcd4ff5bd07a1f12d920bd9a52ce51925f050f26afffa35c50');
INSERT INTO "evidence" VALUES(6,1772445608123756,'noise','spring','call-0','AgzVEV4Gj3ksktPH8VV-XA','{}','7dc2c41ff308ec8f5d97ef733bd6c350543027a5742e17b9228c72d525c3fa86');
INSERT INTO "evidence" VALUES(7,1772445609373456,'bridge','spring','call-0','AgzVEV4Gj3ksktPH8VV-XA','{"agent":"1001","heard_at":null,"waited":false}','a135f4c348bc1e45b5cb344c2522907466bd316f6d40340c026f9d812259f41c');
INSERT INTO "evidence" VALUES(8,1772445610777777,'hang-up','spring','call-0','AgzVEV4Gj3ksktPH8VV-XA','{"agent":"1001","answer_class":"agent","cause":16,"ended_by":"callee","outcome":"connected","sip":200}','f327ff339325d06ad10260c2085b58fcac59687e91a608703e5864ae23d54156');
INSERT INTO "evidence" VALUES(9,1772449200123456,'attempt','spring','call-1','wsaY9LK1d3UF08AE8q-epQ','{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}','b448d50a1f7f7b02401d21c923c30ae7598145a405631e464892f7aa891c0adc');
INSERT INTO "evidence" VALUES(10,1772445608123456,'answer','spring','call-1','wsaY9LK1d3UF08AE8q-epQ','{}','d52b96321fd47c592b92a5c9ae57790043fcbca106976690b833a991a9e838f1');
INSERT INTO "evidence" VALUES(11,1772445608123756,'noise','spring','call-1','wsaY9LK1d3UF08AE8q-epQ','{}','eeaf4d3394b85359a12a703c597182c23d014205fced89b130aa6359dcf4e19d');
INSERT INTO "evidence" VALUES(12,1772445610777777,'hang-up','spring','call-1','wsaY9LK1d3UF08AE8q-epQ','{"agent":null,"answer_class":"left","cause":16,"ended_by":"callee","outcome":"silent","sip":200}','de74a134c9b99674f4c0fef75f62c380bf61731c3ee03e656aaa9b7b6a7c5ff2');
INSERT INTO "evidence" VALUES(13,1772452800123456,'attempt','spring','call-2','WBuQUYv1_Y1Hln2mdCjtiA','{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}','815635e58b1bc5e564e8821982d52eea8a19b353f4fcf5924d4888a6c9c75243');
INSERT INTO "evidence" VALUES(14,1772445610777777,'hang-up','spring','call-2','WBuQUYv1_Y1Hln2mdCjtiA','{"agent":null,"answer_class":null,"cause":16,"ended_by":"callee","outcome":"no-answer","sip":200}','f76e7e1af50efdcb7da764125dd3d32fe0fefa2ade2e9964fb31d17ff87e0a3e');
INSERT INTO "evidence" VALUES(15,1772456400123456,'attempt','spring','call-3','yeHYnnJm3eqwHc3UJC5MEw','{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}','6a3ad23c1713a6af9a6a2371ae688eacba88cc2edf79a2339a47c34d3b05c44d');
INSERT INTO "evidence" VALUES(16,1772445608123456,'answer','spring','call-3','yeHYnnJm3eqwHc3UJC5MEw','{}','2d928cb6c339101dccb0a1b6169e0a807bba4522441d1605f2c02e0382cf3a79');
INSERT INTO "evidence" VALUES(17,1772445608123756,'noise','spring','call-3','yeHYnnJm3eqwHc3UJC5MEw','{}','f98edc88105b2d0c349e64bbfbdf84e54c59eafa2a362bbc17a32243f61d686b');
INSERT INTO "evidence" VALUES(18,1772445609373456,'bridge','spring','call-3','yeHYnnJm3eqwHc3UJC5MEw','{"agent":"1001","heard_at":null,"waited":false}','45308b9e7617d128ab38cd6718701d7cfe63a32752121556ac0c4db285e62420');
INSERT INTO "evidence" VALUES(19,1772445610777777,'hang-up','spring','call-3','yeHYnnJm3eqwHc3UJC5MEw','{"agent":"1001","answer_class":"agent","cause":16,"ended_by":"callee","outcome":"connected","sip":200}','127e137781845a453b28da1bc3f539c292ae569e971269d3ca8c5f44333f3d2d');
INSERT INTO "evidence" VALUES(20,1772460000123456,'attempt','spring','call-4','GTdgKI4OHy-FAOtsmLpgTA','{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}','9bb0e85054700596e6fe60dec511be05f3113b46b8375fc3ebdd4a878c2843fe');
INSERT INTO "evidence" VALUES(21,1772445610777777,'hang-up','spring','call-4','GTdgKI4OHy-FAOtsmLpgTA','{"agent":null,"answer_class":null,"cause":16,"ended_by":"callee","outcome":"failed","sip":200}','a2c1176075155a0a28b42ed2fdf3a6ac480999f0e5e1b3dc8d1f08e966e3fec2');
INSERT INTO "evidence" VALUES(22,1772445600123456,'answerer','spring','call-0','AgzVEV4Gj3ksktPH8VV-XA','{"answer_class":"machine","answerer":"machine","author":"1001"}','f825fae82c866d36fdff826c8d08d050657ab3f528d14615d373911610cec591');
INSERT INTO "evidence" VALUES(23,1772445600123456,'opt-out','','','','{"action":"add","author":"anna","count":2,"digest":"1e658b1e44bab4e51f79014e0315856d2038b76f4fd8543f7607218c8cc0fd56","persons":["AgzVEV4Gj3ksktPH8VV-XA","wsaY9LK1d3UF08AE8q-epQ"],"reason":"asked during a call","scope":"*","source":"calls.csv"}','217a9fd3e030e4a17d7cd93c810402f47ffb3e30586ffcf2e933e1634635d70d');
INSERT INTO "evidence" VALUES(24,1772445600123456,'register','','','WBuQUYv1_Y1Hln2mdCjtiA','{"author":"anna","checked_at":"2026-03-02T10:00:00.123456+00:00","count":1,"digest":"105bf90c685698e900eebacc23330ef160fff551d33088015ca7b3e74c6e3283","opposed":1,"persons":["WBuQUYv1_Y1Hln2mdCjtiA"],"reason":"asked during a call","source":"calls.csv"}','e8308fb1464aa013028600e57a3a6125d59206c1766b7ca0775bb3db04872a88');
INSERT INTO "evidence" VALUES(25,1772445600123456,'erasure','','','WBuQUYv1_Y1Hln2mdCjtiA','{"attempts":1,"author":"dora","contacts":1,"opt_outs":0,"reason":"perché lo chiede: «basta»","source":""}','f1d67f6ef8b997601411db9e1559b8f41b6e898b40d04ef5a01fca83999ad760');
INSERT INTO "evidence" VALUES(26,1772445600123456,'attempt','spring','call-5','awWxk4QoTj9CZKHOsdMoUw','{"caller":"acme","caller_number":"+390212345678","checks":[["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}','7df0b5c6b2c522f13dedd78500dae791a6956560837c77aba9dcab71b681af72');
INSERT INTO "evidence" VALUES(27,1772445600123456,'attempt','spring','call-6','GTdgKI4OHy-FAOtsmLpgTA','{"checks":[],"covered":false,"guaranteed":false,"late":true}','cb37185159c15ca040ee62b1d370f36e2dde60c85d5959c31feb35a16696aaf0');
INSERT INTO "evidence" VALUES(28,1772445610777777,'hang-up','spring','call-6','GTdgKI4OHy-FAOtsmLpgTA','{"agent":null,"answer_class":null,"cause":16,"ended_by":"callee","outcome":"failed","sip":null}','891b1b0d48de95eb8b01feabfdf54470e35a85298aaccafa1aba16be581ea778');
CREATE TABLE evidence_head (
	id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "evidence_head" VALUES(1,28,'891b1b0d48de95eb8b01feabfdf54470e35a85298aaccafa1aba16be581ea778');
CREATE TABLE heartbeat (
	id INTEGER NOT NULL, 
	beats BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "heartbeat" VALUES(1,0);
CREATE TABLE opt_outs (
	scope TEXT NOT NULL, 
	person TEXT NOT NULL, 
	number TEXT, 
	reason TEXT NOT NULL, 
	source TEXT NOT NULL, 
	author TEXT NOT NULL, 
	added_at BIGINT NOT NULL, 
	PRIMARY KEY (scope, person)
);
INSERT INTO "opt_outs" VALUES('*','AgzVEV4Gj3ksktPH8VV-XA','+393470000000','asked during a call','calls.csv','anna',1772445600123456);
INSERT INTO "opt_outs" VALUES('*','wsaY9LK1d3UF08AE8q-epQ','+393470000001','asked during a call','calls.csv','anna',1772445600123456);
INSERT INTO "opt_outs" VALUES('*','WBuQUYv1_Y1Hln2mdCjtiA',NULL,'erased at the person''s wish','','dora',1772445600123456);
CREATE TABLE overrides (
	id INTEGER NOT NULL, 
	campaign TEXT NOT NULL, 
	author TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(campaign) REFERENCES campaigns (id)
);
CREATE TABLE register_checks (
	person TEXT NOT NULL, 
	checked_at BIGINT NOT NULL, 
	opposed BOOLEAN NOT NULL, 
	source TEXT NOT NULL, 
	PRIMARY KEY (person)
);
INSERT INTO "register_checks" VALUES('WBuQUYv1_Y1Hln2mdCjtiA',1772445600123456,1,'calls.csv');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(2);
CREATE TABLE store_facts (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "store_facts" VALUES('number key','bcdcc10282399a88');
CREATE INDEX opt_outs_person ON opt_outs (person);
CREATE INDEX evidence_call ON evidence (call);
CREATE INDEX evidence_campaign ON evidence (campaign, kind);
CREATE INDEX evidence_person ON evidence (person);
CREATE INDEX contacts_person ON contacts (person);
CREATE INDEX contacts_due ON contacts (campaign, status, due_at, id);
CREATE INDEX attempts_person ON attempts (person);
CREATE UNIQUE INDEX attempts_open ON attempts (contact) WHERE outcome IS NULL;
CREATE INDEX attempts_campaign ON attempts (campaign, outcome);
CREATE TRIGGER evidence_no_update BEFORE update ON evidence BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END;
CREATE TRIGGER evidence_no_delete BEFORE delete ON evidence BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END;
CREATE TRIGGER evidence_no_replace BEFORE INSERT ON evidence WHEN EXISTS (SELECT 1 FROM evidence WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END;
COMMIT;

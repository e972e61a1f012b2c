CREATE FUNCTION public.evidence_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the evidence is append-only'; END $$;
CREATE TABLE public.attempts (
    id text NOT NULL,
    campaign text NOT NULL,
    contact bigint NOT NULL,
    number text NOT NULL,
    person text NOT NULL,
    caller text NOT NULL,
    caller_number text NOT NULL,
    law text NOT NULL,
    controller text NOT NULL,
    override boolean NOT NULL,
    state text NOT NULL,
    covered boolean NOT NULL,
    guaranteed boolean NOT NULL,
    agent text,
    waited boolean NOT NULL,
    started_at bigint NOT NULL,
    admitted_at bigint,
    rang_at bigint,
    answered_at bigint,
    noise_at bigint,
    bridged_at bigint,
    heard_at bigint,
    ended_at bigint,
    ended_by text,
    outcome text,
    answer_class text,
    answerer text,
    cause integer NOT NULL,
    sip integer
);
COMMENT ON COLUMN public.attempts.number IS 'empty once it was erased';
COMMENT ON COLUMN public.attempts.person IS 'keyed hash of the number';
COMMENT ON COLUMN public.attempts.controller IS 'which one placed it, and closes it after a crash';
COMMENT ON COLUMN public.attempts.override IS 'placed while the campaign''s budget was lifted';
COMMENT ON COLUMN public.attempts.started_at IS 'when it was recorded, before dialing';
COMMENT ON COLUMN public.attempts.noise_at IS 'when Asterisk began the noise, by its clock';
COMMENT ON COLUMN public.attempts.heard_at IS 'from when on the callee heard an agent: a success';
COMMENT ON COLUMN public.attempts.outcome IS 'null while it is under way';
COMMENT ON COLUMN public.attempts.answer_class IS 'AnswerClass of an answered call that is over';
COMMENT ON COLUMN public.attempts.answerer IS 'who picked up, as the agent said';
CREATE TABLE public.campaigns (
    id text NOT NULL,
    caller text NOT NULL,
    caller_number text NOT NULL,
    dial_string text NOT NULL,
    trunk text NOT NULL,
    law text NOT NULL,
    overdial double precision NOT NULL,
    ring_timeout bigint NOT NULL,
    wrap_up bigint NOT NULL,
    calls_per_second double precision NOT NULL,
    max_lines integer NOT NULL,
    max_attempts integer NOT NULL,
    retry_pauses json NOT NULL,
    override_author text,
    override_reason text,
    caller_number_answers boolean NOT NULL,
    zone text NOT NULL,
    region text NOT NULL,
    hours text,
    segment_hours json NOT NULL,
    opens_at bigint,
    closes_at bigint,
    message text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    created_at bigint NOT NULL
);
COMMENT ON COLUMN public.campaigns.retry_pauses IS 'microseconds by outcome';
COMMENT ON COLUMN public.campaigns.hours IS 'as written, such as mon-fri 09:00-20:00; null: the law''s';
COMMENT ON COLUMN public.campaigns.segment_hours IS 'hours as written, by segment';
CREATE TABLE public.contacts (
    id bigint NOT NULL,
    campaign text NOT NULL,
    number text NOT NULL,
    name text NOT NULL,
    attributes json NOT NULL,
    attempts integer NOT NULL,
    operator_due boolean NOT NULL,
    due_at bigint,
    status text NOT NULL,
    current_call text,
    last_outcome text,
    person text NOT NULL,
    consent_basis text,
    consent_source text,
    consent_at bigint,
    segment text NOT NULL,
    zone text NOT NULL,
    region text NOT NULL,
    hours text,
    erased_at bigint
);
COMMENT ON COLUMN public.contacts.due_at IS 'not to be called before; null: at once';
COMMENT ON COLUMN public.contacts.current_call IS 'the attempt under way';
COMMENT ON COLUMN public.contacts.person IS 'keyed hash of the number';
COMMENT ON COLUMN public.contacts.consent_basis IS 'why they may be called; null: the list does not say';
COMMENT ON COLUMN public.contacts.hours IS 'their own; null: none are known';
COMMENT ON COLUMN public.contacts.erased_at IS 'when number, name and attributes were erased';
CREATE SEQUENCE public.contacts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.contacts_id_seq OWNED BY public.contacts.id;
CREATE TABLE public.evidence (
    seq bigint NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    campaign text NOT NULL,
    call text NOT NULL,
    person text NOT NULL,
    body text NOT NULL,
    hash text NOT NULL
);
COMMENT ON TABLE public.evidence IS 'Append-only, each entry chained to the one before (controller/domain/evidence.py).';
COMMENT ON COLUMN public.evidence.at IS 'microseconds since 1970 UTC';
COMMENT ON COLUMN public.evidence.person IS 'keyed hash of the number';
COMMENT ON COLUMN public.evidence.body IS 'JSON, as it was hashed';
CREATE TABLE public.evidence_head (
    id integer NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL
);
COMMENT ON TABLE public.evidence_head IS 'One row: the end of the chain. Whoever appends takes hold of it first.';
CREATE TABLE public.heartbeat (
    id integer NOT NULL,
    beats bigint NOT NULL
);
COMMENT ON TABLE public.heartbeat IS 'One row, written by every ping: only a write shows that the store takes writes.';
CREATE TABLE public.opt_outs (
    scope text NOT NULL,
    person text NOT NULL,
    number text,
    reason text NOT NULL,
    source text NOT NULL,
    author text NOT NULL,
    added_at bigint NOT NULL
);
COMMENT ON TABLE public.opt_outs IS 'The do-not-call lists.';
COMMENT ON COLUMN public.opt_outs.scope IS '*, caller:<caller>, campaign:<campaign>';
COMMENT ON COLUMN public.opt_outs.person IS 'keyed hash of the number';
COMMENT ON COLUMN public.opt_outs.number IS 'null once it was erased';
CREATE TABLE public.overrides (
    id bigint NOT NULL,
    campaign text NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL
);
COMMENT ON TABLE public.overrides IS 'Append-only.';
CREATE SEQUENCE public.overrides_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.overrides_id_seq OWNED BY public.overrides.id;
CREATE TABLE public.register_checks (
    person text NOT NULL,
    checked_at bigint NOT NULL,
    opposed boolean NOT NULL,
    source text NOT NULL
);
COMMENT ON TABLE public.register_checks IS 'What the opposition register said last of each number.';
COMMENT ON COLUMN public.register_checks.person IS 'keyed hash of the number';
COMMENT ON COLUMN public.register_checks.checked_at IS 'when the register was asked';
CREATE TABLE public.schema_version (
    version integer NOT NULL
);
CREATE TABLE public.store_facts (
    name text NOT NULL,
    value text NOT NULL
);
COMMENT ON TABLE public.store_facts IS 'Facts about the store itself, such as the fingerprint of the number key.';
ALTER TABLE ONLY public.contacts ALTER COLUMN id SET DEFAULT nextval('public.contacts_id_seq'::regclass);
ALTER TABLE ONLY public.overrides ALTER COLUMN id SET DEFAULT nextval('public.overrides_id_seq'::regclass);
INSERT INTO public.attempts VALUES ('call-1', 'spring', 2, '+393470000001', 'wsaY9LK1d3UF08AE8q-epQ', 'acme', '+390212345678', 'lax', 'main', false, 'ended', false, false, NULL, false, 1795526648057640, 1772449200123456, 1772445602123456, 1772445608123456, 1772445608123756, NULL, NULL, 1772445610777777, 'callee', 'silent', 'left', NULL, 16, 200);
INSERT INTO public.attempts VALUES ('call-3', 'spring', 4, '+393470000003', 'yeHYnnJm3eqwHc3UJC5MEw', 'acme', '+390212345678', 'lax', 'main', false, 'ended', false, false, '1001', false, 1795526648086136, 1772456400123456, 1772445602123456, 1772445608123456, 1772445608123756, 1772445609373456, NULL, 1772445610777777, 'callee', 'connected', 'agent', NULL, 16, 200);
INSERT INTO public.attempts VALUES ('call-4', 'spring', 5, '+393470000004', 'GTdgKI4OHy-FAOtsmLpgTA', 'acme', '+390212345678', 'lax', 'main', false, 'ended', false, false, NULL, false, 1795526648100420, 1772460000123456, 1772445602123456, NULL, NULL, NULL, NULL, 1772445610777777, 'callee', 'failed', NULL, NULL, 16, 200);
INSERT INTO public.attempts VALUES ('call-0', 'spring', 1, '+393470000000', 'AgzVEV4Gj3ksktPH8VV-XA', 'acme', '+390212345678', 'lax', 'main', false, 'ended', false, false, '1001', false, 1795526648031356, 1772445600123456, 1772445602123456, 1772445608123456, 1772445608123756, 1772445609373456, NULL, 1772445610777777, 'callee', 'connected', 'machine', 'machine', 16, 200);
INSERT INTO public.attempts VALUES ('call-2', 'spring', 3, '', 'WBuQUYv1_Y1Hln2mdCjtiA', 'acme', '+390212345678', 'lax', 'main', false, 'ended', false, false, NULL, false, 1795526648072523, 1772452800123456, 1772445602123456, NULL, NULL, NULL, NULL, 1772445610777777, 'callee', 'no-answer', NULL, NULL, 16, 200);
INSERT INTO public.attempts VALUES ('call-5', 'spring', 6, '+393470000005', 'awWxk4QoTj9CZKHOsdMoUw', 'acme', '+390212345678', 'lax', 'main', false, 'admitting', false, false, NULL, false, 1795526648146403, 1772445600123456, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO public.attempts VALUES ('call-6', 'spring', 5, '+393470000004', 'GTdgKI4OHy-FAOtsmLpgTA', 'acme', '+390212345678', 'lax', 'main', false, 'ended', false, false, NULL, false, 1795526648152354, 1772445600123456, 1772445602123456, NULL, NULL, NULL, NULL, 1772445610777777, 'callee', 'failed', NULL, NULL, 16, NULL);
INSERT INTO public.campaigns VALUES ('spring', 'acme', '+390212345678', 'PJSIP/{number}@trunk', 'PJSIP/trunk', 'lax', 1.5, 30000000, 15000000, 20, 200, 3, '{"busy": 1200000000, "no-answer": 10800000000, "rejected": 86400000000, "unreachable": 21600000000, "congestion": 600000000, "failed": 600000000, "cancelled": 1200000000, "left-early": 86400000000}', NULL, NULL, false, 'Europe/Rome', 'IT', NULL, '{}', NULL, NULL, '', 'running', '', 1795526648014124);
INSERT INTO public.contacts VALUES (1, 'spring', '+393470000000', 'Name 0', '{"citt\u00e0": "Forl\u00ec"}', 1, false, NULL, 'done', NULL, 'connected', 'AgzVEV4Gj3ksktPH8VV-XA', NULL, NULL, NULL, '', '', '', NULL, NULL);
INSERT INTO public.contacts VALUES (2, 'spring', '+393470000001', 'Name 1', '{"citt\u00e0": "Forl\u00ec"}', 1, true, NULL, 'done', NULL, 'silent', 'wsaY9LK1d3UF08AE8q-epQ', NULL, NULL, NULL, '', '', '', NULL, NULL);
INSERT INTO public.contacts VALUES (4, 'spring', '+393470000003', 'Name 3', '{"citt\u00e0": "Forl\u00ec"}', 1, false, NULL, 'done', NULL, 'connected', 'yeHYnnJm3eqwHc3UJC5MEw', NULL, NULL, NULL, '', '', '', NULL, NULL);
INSERT INTO public.contacts VALUES (3, 'spring', '#WBuQUYv1_Y1Hln2mdCjtiA/3', '', '{}', 1, false, NULL, 'done', NULL, 'no-answer', 'WBuQUYv1_Y1Hln2mdCjtiA', NULL, NULL, NULL, '', '', '', NULL, 1772445600123456);
INSERT INTO public.contacts VALUES (6, 'spring', '+393470000005', 'Name 5', '{"citt\u00e0": "Forl\u00ec"}', 0, false, NULL, 'in_flight', 'call-5', NULL, 'awWxk4QoTj9CZKHOsdMoUw', NULL, NULL, NULL, '', '', '', NULL, NULL);
INSERT INTO public.contacts VALUES (5, 'spring', '+393470000004', 'Name 4', '{"citt\u00e0": "Forl\u00ec"}', 2, false, NULL, 'done', NULL, 'failed', 'GTdgKI4OHy-FAOtsmLpgTA', NULL, NULL, NULL, '', '', '', NULL, NULL);
INSERT INTO public.evidence VALUES (1, 1795526648014124, 'campaign', 'spring', '', '', '{"state":"draft"}', '1798a77063bee3b09ea9572e320353f6ae8dc21fe20289378a3b0e349de6b3dc');
INSERT INTO public.evidence VALUES (2, 1772445600123456, 'profile', 'spring', '', '', '{"caller":"acme","caller_number":"+390212345678","caller_number_answers":false,"law":{"caller_id":{"free_prefixes":[],"must_answer":false,"required":false},"consent_required":false,"country":"IT","cut_after":3.0,"dead_man_after":2.8,"extends":"","hang_up_after":2.7,"hours":null,"leave_alone":432000.0,"limits":[{"days":null,"denominator":"successes","name":"campaign","share":"3/100"}],"name":"lax","noise_within":0.2,"operator_guaranteed":true,"override":null,"played":"noise","register":null,"retention":63158400.0,"ring_at_least":0.0,"superseded":""},"ring_timeout":30.0,"zone":"Europe/Rome"}', '460f6cbe0378a8df12fe45d271748b794d425d760cd2c08543c87a8827d34187');
INSERT INTO public.evidence VALUES (3, 1795526648030381, 'campaign', 'spring', '', '', '{"reason":"","state":"running"}', '01711dcc03c2e4379d6e578b1d14f2d9d1a4b296d6fd32b645bd257e8ca15905');
INSERT INTO public.evidence VALUES (4, 1772445600123456, 'attempt', 'spring', 'call-0', 'AgzVEV4Gj3ksktPH8VV-XA', '{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}', '76b0dda86b23dc79a6473f02bae9e8429ae7e8b95fc05c517a5305495e078d72');
INSERT INTO public.evidence VALUES (5, 1772445608123456, 'answer', 'spring', 'call-0', 'AgzVEV4Gj3ksktPH8VV-XA', '{}', 'db348cd863fa014edf8dac9788b5c8177e2ab0d82caadef42bac49e588e1d9ae');
INSERT INTO public.evidence VALUES (6, 1772445608123756, 'noise', 'spring', 'call-0', 'AgzVEV4Gj3ksktPH8VV-XA', '{}', '098283091df1e50385187323ca40d576310f90b22000265fd1b4d64fe7956212');
INSERT INTO public.evidence VALUES (7, 1772445609373456, 'bridge', 'spring', 'call-0', 'AgzVEV4Gj3ksktPH8VV-XA', '{"agent":"1001","heard_at":null,"waited":false}', 'de11df94084c9cdeb9959771e945918c9b3221468692bdd1ac5e8309e363573a');
INSERT INTO public.evidence VALUES (8, 1772445610777777, 'hang-up', 'spring', 'call-0', 'AgzVEV4Gj3ksktPH8VV-XA', '{"agent":"1001","answer_class":"agent","cause":16,"ended_by":"callee","outcome":"connected","sip":200}', '457c09c011d17e5fa2386dd3b1cfa93fed282d8ae1d71dd33c2cbec8c896ae16');
INSERT INTO public.evidence VALUES (9, 1772449200123456, 'attempt', 'spring', 'call-1', 'wsaY9LK1d3UF08AE8q-epQ', '{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}', '96bb54e69defc462e54bfdfebb7d852f0d4eb7d69e1a21cfe3c95ae0c390f694');
INSERT INTO public.evidence VALUES (10, 1772445608123456, 'answer', 'spring', 'call-1', 'wsaY9LK1d3UF08AE8q-epQ', '{}', 'c52d04fc57f0846ab40d007caabb43b87435cc312f077a887ec3b22ba437373e');
INSERT INTO public.evidence VALUES (11, 1772445608123756, 'noise', 'spring', 'call-1', 'wsaY9LK1d3UF08AE8q-epQ', '{}', '63223d1aebf2395922db3eaceb45c5009faf5b395a6ce287f012d04fe0eb74bf');
INSERT INTO public.evidence VALUES (12, 1772445610777777, 'hang-up', 'spring', 'call-1', 'wsaY9LK1d3UF08AE8q-epQ', '{"agent":null,"answer_class":"left","cause":16,"ended_by":"callee","outcome":"silent","sip":200}', '2dd4a91bcfeedd6b008b50110c861d4d7126f9aa55230b4c27d716b35c69f04d');
INSERT INTO public.evidence VALUES (13, 1772452800123456, 'attempt', 'spring', 'call-2', 'WBuQUYv1_Y1Hln2mdCjtiA', '{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}', '812cf6e2b824e1764e3be222effae135efe8292e0078605f4914be1a3e3795d0');
INSERT INTO public.evidence VALUES (14, 1772445610777777, 'hang-up', 'spring', 'call-2', 'WBuQUYv1_Y1Hln2mdCjtiA', '{"agent":null,"answer_class":null,"cause":16,"ended_by":"callee","outcome":"no-answer","sip":200}', 'cb8b65da38750234ccdb24b4575e6199e3c1646cbf23b43ffbd17827db0b81db');
INSERT INTO public.evidence VALUES (15, 1772456400123456, 'attempt', 'spring', 'call-3', 'yeHYnnJm3eqwHc3UJC5MEw', '{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}', '8ae41ebde72ef5109cccf7d993699fe70d5d168ec6bca0cb2b8af59224a48914');
INSERT INTO public.evidence VALUES (16, 1772445608123456, 'answer', 'spring', 'call-3', 'yeHYnnJm3eqwHc3UJC5MEw', '{}', 'ef66280893b2ba61766a8bf3d86fed808de40a0541dfb499c763fe5f8d9abedc');
INSERT INTO public.evidence VALUES (17, 1772445608123756, 'noise', 'spring', 'call-3', 'yeHYnnJm3eqwHc3UJC5MEw', '{}', 'a3befe6ed6e40b9fa8a373a7b7e8dd39b74fdb2d6bf7f83c63c2b7e817ceeb34');
INSERT INTO public.evidence VALUES (18, 1772445609373456, 'bridge', 'spring', 'call-3', 'yeHYnnJm3eqwHc3UJC5MEw', '{"agent":"1001","heard_at":null,"waited":false}', 'd0b3627ba6c1c036a7cc5ef2f7f5d9a41555b3adc54a5490929fc58f531b535c');
INSERT INTO public.evidence VALUES (19, 1772445610777777, 'hang-up', 'spring', 'call-3', 'yeHYnnJm3eqwHc3UJC5MEw', '{"agent":"1001","answer_class":"agent","cause":16,"ended_by":"callee","outcome":"connected","sip":200}', '673c603da35a5f3bff189f4a937195626cb5d30980164f0b6ec7cfc7fae23e03');
INSERT INTO public.evidence VALUES (20, 1772460000123456, 'attempt', 'spring', 'call-4', 'GTdgKI4OHy-FAOtsmLpgTA', '{"caller":"acme","caller_number":"+390212345678","checks":[["hours",true,"lun 10:00, città di Forlì"],["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}', '886263baec1f5549fd31893d287dd69313b6925756b0059c3c15f757ef801c5f');
INSERT INTO public.evidence VALUES (21, 1772445610777777, 'hang-up', 'spring', 'call-4', 'GTdgKI4OHy-FAOtsmLpgTA', '{"agent":null,"answer_class":null,"cause":16,"ended_by":"callee","outcome":"failed","sip":200}', '02a8a4847d82c39a7d103436c5dd21dc05299d1d8439f851d95de271af24fb9f');
INSERT INTO public.evidence VALUES (22, 1772445600123456, 'answerer', 'spring', 'call-0', 'AgzVEV4Gj3ksktPH8VV-XA', '{"answer_class":"machine","answerer":"machine","author":"1001"}', '8075bcbfe97548be0611a1756ff32998aa5cabd273ffe9d08895b0019554b227');
INSERT INTO public.evidence VALUES (23, 1772445600123456, 'opt-out', '', '', '', '{"action":"add","author":"anna","count":2,"digest":"1e658b1e44bab4e51f79014e0315856d2038b76f4fd8543f7607218c8cc0fd56","persons":["AgzVEV4Gj3ksktPH8VV-XA","wsaY9LK1d3UF08AE8q-epQ"],"reason":"asked during a call","scope":"*","source":"calls.csv"}', '94fbc1273a951795d9307a026ae11b270f7c23af484efe0049aeda15181177bb');
INSERT INTO public.evidence VALUES (24, 1772445600123456, 'register', '', '', 'WBuQUYv1_Y1Hln2mdCjtiA', '{"author":"anna","checked_at":"2026-03-02T10:00:00.123456+00:00","count":1,"digest":"105bf90c685698e900eebacc23330ef160fff551d33088015ca7b3e74c6e3283","opposed":1,"persons":["WBuQUYv1_Y1Hln2mdCjtiA"],"reason":"asked during a call","source":"calls.csv"}', 'db2f5c9d8aa6806dded5e37d34522e1c0ecf0aa89103751f6807041da4e13285');
INSERT INTO public.evidence VALUES (25, 1772445600123456, 'erasure', '', '', 'WBuQUYv1_Y1Hln2mdCjtiA', '{"attempts":1,"author":"dora","contacts":1,"opt_outs":0,"reason":"perché lo chiede: «basta»","source":""}', 'ca815b9f17672374b834055d12fd2cdc68bd7fe553bd4231a4694f61b66c8292');
INSERT INTO public.evidence VALUES (26, 1772445600123456, 'attempt', 'spring', 'call-5', 'awWxk4QoTj9CZKHOsdMoUw', '{"caller":"acme","caller_number":"+390212345678","checks":[["consent",true,"not asked for by lax"],["opt-out",true,"on no do-not-call list"],["register",true,"no register in lax"]],"covered":false,"guaranteed":false,"law":"lax","law_digest":"482f4813566316fece568843c20457c7d80ce12540e11e7e0129cf9736200dc1","override":false}', 'd89f126d9d5925b830881a4ed88ae9542c5c59fd9611c0644925c7a4515bcaad');
INSERT INTO public.evidence VALUES (27, 1772445600123456, 'attempt', 'spring', 'call-6', 'GTdgKI4OHy-FAOtsmLpgTA', '{"checks":[],"covered":false,"guaranteed":false,"late":true}', 'f0f04482fee3df1dfb6fc646e2b86403ee9b3ae8757ae64733650a1a0ea0b904');
INSERT INTO public.evidence VALUES (28, 1772445610777777, 'hang-up', 'spring', 'call-6', 'GTdgKI4OHy-FAOtsmLpgTA', '{"agent":null,"answer_class":null,"cause":16,"ended_by":"callee","outcome":"failed","sip":null}', '018df7f3ac3e79eb0c8abb384998bf34fdd58a2258359e2933ee12cc809ab9d0');
INSERT INTO public.evidence_head VALUES (1, 28, '018df7f3ac3e79eb0c8abb384998bf34fdd58a2258359e2933ee12cc809ab9d0');
INSERT INTO public.heartbeat VALUES (1, 0);
INSERT INTO public.opt_outs VALUES ('*', 'AgzVEV4Gj3ksktPH8VV-XA', '+393470000000', 'asked during a call', 'calls.csv', 'anna', 1772445600123456);
INSERT INTO public.opt_outs VALUES ('*', 'wsaY9LK1d3UF08AE8q-epQ', '+393470000001', 'asked during a call', 'calls.csv', 'anna', 1772445600123456);
INSERT INTO public.opt_outs VALUES ('*', 'WBuQUYv1_Y1Hln2mdCjtiA', NULL, 'erased at the person''s wish', '', 'dora', 1772445600123456);
INSERT INTO public.register_checks VALUES ('WBuQUYv1_Y1Hln2mdCjtiA', 1772445600123456, true, 'calls.csv');
INSERT INTO public.schema_version VALUES (2);
INSERT INTO public.store_facts VALUES ('number key', 'bcdcc10282399a88');
SELECT pg_catalog.setval('public.contacts_id_seq', 6, true);
SELECT pg_catalog.setval('public.overrides_id_seq', 1, false);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_campaign_number UNIQUE (campaign, number);
ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.evidence_head
    ADD CONSTRAINT evidence_head_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.heartbeat
    ADD CONSTRAINT heartbeat_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.opt_outs
    ADD CONSTRAINT opt_outs_pkey PRIMARY KEY (scope, person);
ALTER TABLE ONLY public.overrides
    ADD CONSTRAINT overrides_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.register_checks
    ADD CONSTRAINT register_checks_pkey PRIMARY KEY (person);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.store_facts
    ADD CONSTRAINT store_facts_pkey PRIMARY KEY (name);
CREATE INDEX attempts_campaign ON public.attempts USING btree (campaign, outcome);
CREATE UNIQUE INDEX attempts_open ON public.attempts USING btree (contact) WHERE (outcome IS NULL);
CREATE INDEX attempts_person ON public.attempts USING btree (person);
CREATE INDEX contacts_due ON public.contacts USING btree (campaign, status, due_at, id);
CREATE INDEX contacts_person ON public.contacts USING btree (person);
CREATE INDEX evidence_call ON public.evidence USING btree (call);
CREATE INDEX evidence_campaign ON public.evidence USING btree (campaign, kind);
CREATE INDEX evidence_person ON public.evidence USING btree (person);
CREATE INDEX opt_outs_person ON public.opt_outs USING btree (person);
CREATE TRIGGER evidence_no_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.evidence FOR EACH STATEMENT EXECUTE FUNCTION public.evidence_is_append_only();
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaigns(id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_contact_fkey FOREIGN KEY (contact) REFERENCES public.contacts(id);
ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaigns(id);
ALTER TABLE ONLY public.overrides
    ADD CONSTRAINT overrides_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaigns(id);

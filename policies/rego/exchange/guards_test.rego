package exchange.guards_test

import data.exchange.authz

bundle := {"revision": "test", "expires": 2000000000}

# A permitted question on a resource of the department `market`.
question := {
	"schema": "exchange.input/1",
	"now": 1795428000,
	"hour": 10,
	"channel": "query",
	"network": {"zone": "gov-extranet"},
	"caller": {"department": "housing", "system": "sys_permit", "region": "330106", "auth": "signature"},
	"officer": {"digest": "tok_officer", "authn_level": 1, "clearance": 2},
	"usage": {"matter": "m1", "purpose": "administrative-basis", "operation": "6d", "legal_basis": ["建筑法第八条"]},
	"case": {"state": "open", "matter": "m1", "system": "sys_permit", "attested": true, "parties": 1},
	"requests": [{
		"ref": "s1",
		"resource": "307001/licence",
		"items": ["name"],
		"matched": ["name"],
		"filters": [],
		"orders": [],
		"limit": 20,
		"subject": {"type": "enterprise", "digest": "tok_subject", "relation": "party", "consents": []},
	}],
	"catalogue": {"307001/licence": {
		"owner": "market",
		"class": "conditional",
		"status": "announced",
		"level": 2,
		"personal": false,
		"consent": "none",
		"no_share_basis": [],
		"purposes": ["administrative-basis"],
		"items": {"name": {"class": "conditional", "level": 1, "mask": "none", "match": true}},
	}},
	"matters": {"m1": {"department": "housing", "status": "active", "relations": []}},
	"grants": [{
		"id": "grt_1",
		"resource": "307001/licence",
		"department": "housing",
		"systems": ["sys_permit"],
		"channels": ["query"],
		"matters": ["m1"],
		"purposes": ["administrative-basis"],
		"items": ["name"],
		"match": ["name"],
		"masks": {"name": "none"},
		"rows": [],
		"max_rows": 10,
		"not_before": 1795341600,
		"not_after": 1798020000,
		"daily_quota": 100,
		"used_today": 3,
		"status": "active",
		"attested": false,
		"operations": ["*"],
	}],
}

# The verdict under what the department denies and the facts that its rules read.
verdict(denials, facts) := found if {
	decision := authz.decision with input as question with data.exchange.bundle as bundle with data.departments as {"market": {"deny": denials}} with data.exchange.reads as {"market": facts}
	found := decision.resources.s1
}

test_a_department_without_objection_leaves_the_permit if {
	verdict([], []).allow == true
}

test_a_department_s_denial_carries_its_own_code_and_basis if {
	found := verdict([{"ref": "s1", "rule": "hours", "code": "MARKET_CLOSED", "legal_basis": ["市监〔2026〕1号"]}], [])
	found.allow == false
	found.reasons == [{"rule": "departments.market.hours", "code": "MARKET_CLOSED", "legal_basis": ["市监〔2026〕1号"], "detail": null}]
}

test_a_denial_of_another_request_is_not_this_one_s if {
	verdict([{"ref": "s2", "rule": "hours", "code": "MARKET_CLOSED", "legal_basis": ["x"]}], []).allow == true
}

test_a_denial_that_names_no_request_refuses_them_all if {
	found := verdict([{"rule": 7}], [])
	found.reasons == [{"rule": "departments.market.deny", "code": "DEPARTMENT_DENIED", "legal_basis": [], "detail": null}]
}

test_a_fact_that_a_department_reads_is_there if {
	verdict([], ["case", "subject", "digest"]).allow == true
}

test_a_fact_that_nobody_knows_is_missing if {
	verdict([], ["weather"]).code == "FACT_MISSING"
}

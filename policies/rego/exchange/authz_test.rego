package exchange.authz_test

import data.exchange.authz

bundle := {"revision": "test", "expires": 2000000000}

# A question that is not complete is refused before any other rule reads it.
question := {"schema": "exchange.input/1", "requests": [{"ref": "s1", "resource": "x"}, {"ref": "s2", "resource": null}]}

test_an_incomplete_question_is_refused_for_every_request if {
	decision := authz.decision with input as question with data.exchange.bundle as bundle
	decision.allow == false
	decision.code == "REFUSED"
	{code | some verdict in decision.resources; code := verdict.code} == {"QUESTION_INCOMPLETE"}
	{ref | some ref, _ in decision.resources} == {"s1", "s2"}
}

test_no_question_at_all_permits_nothing if {
	decision := authz.decision with input as {} with data.exchange.bundle as bundle
	decision.allow == false
	decision.resources == {}
}

test_every_reason_names_rule_and_legal_basis if {
	decision := authz.decision with input as question with data.exchange.bundle as bundle
	every verdict in decision.resources {
		every reason in verdict.reasons {
			reason.rule != ""
			count(reason.legal_basis) > 0
		}
	}
}

# METADATA
# title: Guards
# description: >-
#   What must hold whatever was granted. Each ground for refusal stands until a rule here clears it, so
#   a fact that is missing leaves its ground standing, and the reasons are the grounds that stand.
# scope: package
package exchange.guards

import data.exchange.matters
import data.exchange.reference

grounds := {
	"RESOURCE_UNKNOWN",
	"RESOURCE_WITHDRAWN",
	"NOT_SHARED",
	"PURPOSE_NOT_ALLOWED",
	"SUBJECT_MISSING",
	"SUBJECT_NOT_PARTY",
	"CONSENT_MISSING",
	"ZONE_UNTRUSTED",
	"AUTHN_TOO_LOW",
	"BEARER_TOKEN",
	"OWN_RECORD",
	"ITEM_NOT_MATCHABLE",
	"ITEM_NOT_FILTERABLE",
	"FACT_MISSING",
}

shared := {"unconditional", "conditional"}

# The grounds that stand against each request, by its ref.
standing[req.ref] := (own_grounds | matters.standing) | case_grounds if {
	some req in input.requests
	own_grounds := grounds - object.get(cleared, req.ref, set())
	case_grounds := matters.case_standing - object.get(case_free, req.ref, set())
}

# Open data needs neither case nor named subject. An item that is not known is not open.
open contains req.ref if {
	some req in input.requests
	resource := input.catalogue[req.resource]
	resource["class"] == "unconditional"
	resource.personal == false
	every name in req.items {
		resource.items[name]["class"] in {"unconditional", "not-shared"}
	}
	every name in req.matched {
		resource.items[name]["class"] in {"unconditional", "not-shared"}
	}
}

case_free[ref] := matters.case_grounds if some ref in open

cleared[req.ref] contains "RESOURCE_UNKNOWN" if {
	some req in input.requests
	input.catalogue[req.resource].status in {"announced", "withdrawn"}
}

cleared[req.ref] contains "RESOURCE_WITHDRAWN" if {
	some req in input.requests
	input.catalogue[req.resource].status == "announced"
}

cleared[req.ref] contains "NOT_SHARED" if {
	some req in input.requests
	input.catalogue[req.resource]["class"] in shared
}

cleared[req.ref] contains "PURPOSE_NOT_ALLOWED" if {
	some req in input.requests
	input.usage.purpose in input.catalogue[req.resource].purposes
}

cleared[ref] contains "SUBJECT_MISSING" if some ref in open

cleared[ref] contains "SUBJECT_MISSING" if some ref in named

cleared[ref] contains "SUBJECT_NOT_PARTY" if some ref in open

cleared[ref] contains "SUBJECT_NOT_PARTY" if some ref in parties

# Whoever is reached by a link is checked when known: see exchange.obligations.
cleared[ref] contains "SUBJECT_NOT_PARTY" if some ref in reached

# Whoever may read every record names nobody: a grant of the bulk channel is what exchange.sharing asks for.
cleared[ref] contains code if {
	some ref in everybody
	some code in {"SUBJECT_NOT_PARTY", "OWN_RECORD"}
}

# Where there is no subject, SUBJECT_MISSING stands and says so.
cleared[ref] contains code if {
	some ref in nameless
	some code in {"SUBJECT_NOT_PARTY", "OWN_RECORD"}
}

cleared[req.ref] contains "CONSENT_MISSING" if {
	some req in input.requests
	input.catalogue[req.resource].consent == "none"
}

cleared[ref] contains "CONSENT_MISSING" if some ref in consenting

cleared[req.ref] contains "ZONE_UNTRUSTED" if {
	some req in input.requests
	trusted(input.catalogue[req.resource].level)
}

cleared[req.ref] contains "AUTHN_TOO_LOW" if {
	some req in input.requests
	assured(input.catalogue[req.resource].level)
}

cleared[ref] contains "BEARER_TOKEN" if some ref in open

cleared[req.ref] contains "BEARER_TOKEN" if {
	some req in input.requests
	input.caller.auth in {"signature", "dpop"}
}

cleared[ref] contains "OWN_RECORD" if some ref in open

cleared[ref] contains "OWN_RECORD" if some ref in others

# A subject behind a link is not known before it is read, with or without a digest.
cleared[ref] contains "OWN_RECORD" if some ref in reached

cleared[req.ref] contains "ITEM_NOT_MATCHABLE" if {
	some req in input.requests
	items := input.catalogue[req.resource].items
	every name in req.matched {
		items[name].match == true
		items[name]["class"] in shared
	}
}

# Which records a filter lets through, and in which order they come, tells of the items compared: whatever
# the publisher masks is compared by nobody, with clearance or without.
cleared[req.ref] contains "ITEM_NOT_FILTERABLE" if {
	some req in input.requests
	items := input.catalogue[req.resource].items
	every name in array.concat(req.filters, req.orders) {
		items[name].mask == "none"
	}
}

# A department's rule that reads what may be null refuses where it is null (reference: the linter).
cleared[req.ref] contains "FACT_MISSING" if {
	some req in input.requests
	owner := input.catalogue[req.resource].owner
	every fact in object.get(data.exchange.reads, owner, []) {
		known(fact)
	}
}

known("case") if is_object(input.case)

known("subject") if {
	every req in input.requests {
		is_object(req.subject)
	}
}

known("digest") if {
	every req in input.requests {
		is_string(req.subject.digest)
	}
}

# What the grounds need of zone, officer and subjects, which are per call: each fact in a rule of its
# own, so that a standing decision asks again for these and for nothing else.
trusted(level) if input.network.zone in reference.zones[level]

assured(level) if input.officer.authn_level >= reference.authn[level]

named contains req.ref if {
	some req in input.requests
	is_object(req.subject)
}

nameless contains req.ref if {
	some req in input.requests
	is_null(req.subject)
}

parties contains req.ref if {
	some req in input.requests
	req.subject.relation == "party"
}

reached contains req.ref if {
	some req in input.requests
	linked(req.subject.relation)
}

everybody contains req.ref if {
	some req in input.requests
	input.channel == "bulk"
	req.subject.relation == "all"
}

consenting contains req.ref if {
	some req in input.requests
	req.resource in req.subject.consents
}

# Subjects who are known and are not the officer.
others contains req.ref if {
	some req in input.requests
	is_string(req.subject.digest)
	req.subject.digest != input.officer.digest
}

linked(relation) if regex.match(`^link:[^.]+\.[^.]+`, relation)

# What the publishing department itself refuses, by ref. A denial that names no ref refuses them all.
objections[req.ref] contains objection if {
	some req in input.requests
	owner := input.catalogue[req.resource].owner
	some denial in data.departments[owner].deny
	addressed(denial, req.ref)
	objection := {
		"code": text(denial, "code", "DEPARTMENT_DENIED"),
		"rule": sprintf("departments.%s.%s", [owner, text(denial, "rule", "deny")]),
		"legal_basis": basis(denial),
		"detail": null,
	}
}

addressed(denial, ref) if denial.ref == ref

addressed(denial, _) if not names_ref(denial)

names_ref(denial) if is_string(denial.ref)

text(denial, name, _) := denial[name] if has_text(denial, name)

text(denial, name, otherwise) := otherwise if not has_text(denial, name)

has_text(denial, name) if is_string(denial[name])

basis(denial) := denial.legal_basis if has_basis(denial)

basis(denial) := [] if not has_basis(denial)

has_basis(denial) if {
	is_array(denial.legal_basis)
	every entry in denial.legal_basis {
		is_string(entry)
	}
}

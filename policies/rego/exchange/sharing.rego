# METADATA
# title: Sharing and grants
# description: >-
#   Finds the grant that covers a request; unconditional resources need one too. Each gap of a grant
#   stands until a rule here closes it, so what is missing is a gap and never a pass.
# scope: package
package exchange.sharing

import data.exchange.matters

gaps := {
	"GRANT_REVOKED",
	"GRANT_EXPIRED",
	"GRANT_SUSPENDED",
	"GRANT_NOT_YET",
	"GRANT_CALLER",
	"GRANT_SYSTEM",
	"GRANT_MATTER",
	"GRANT_PURPOSE",
	"GRANT_OPERATION",
	"GRANT_QUOTA",
	"CASE_DECLARED_ONLY",
}

closed[grant.id] contains "GRANT_REVOKED" if {
	some grant in input.grants
	grant.status in {"active", "suspended"}
}

closed[grant.id] contains "GRANT_SUSPENDED" if {
	some grant in input.grants
	grant.status in {"active", "revoked"}
}

closed[id] contains "GRANT_NOT_YET" if some id in begun

closed[id] contains "GRANT_EXPIRED" if some id in unexpired

closed[grant.id] contains "GRANT_CALLER" if {
	some grant in input.grants
	grant.department == input.caller.department
}

closed[grant.id] contains "GRANT_SYSTEM" if {
	some grant in input.grants
	input.caller.system in grant.systems
}

closed[grant.id] contains "GRANT_MATTER" if {
	some grant in input.grants
	input.usage.matter in grant.matters
}

closed[grant.id] contains "GRANT_PURPOSE" if {
	some grant in input.grants
	input.usage.purpose in grant.purposes
}

closed[grant.id] contains "GRANT_OPERATION" if {
	some grant in input.grants
	some operation in grant.operations
	operation in {"*", input.usage.operation}
}

closed[id] contains "GRANT_QUOTA" if some id in unspent

closed[grant.id] contains "CASE_DECLARED_ONLY" if {
	some grant in input.grants
	grant.attested == false
}

closed[grant.id] contains "CASE_DECLARED_ONLY" if {
	some grant in input.grants
	grant.attested == true
	matters.attested
}

# What depends on the hour of the call or on the calls before it stands by itself: see exchange.guards.
begun contains grant.id if {
	some grant in input.grants
	grant.not_before <= input.now
}

unexpired contains grant.id if {
	some grant in input.grants
	input.now < grant.not_after
}

unspent contains grant.id if {
	some grant in input.grants
	grant.used_today < grant.daily_quota
}

# The gaps of each grant whatever is asked of it.
open_gaps[grant.id] := gaps - object.get(closed, grant.id, set()) if some grant in input.grants

# The gaps of each grant on the resource of a request, by the request's ref and the grant's id.
found[req.ref] := {grant.id: missing |
	some grant in input.grants
	grant.resource == req.resource
	asking := channel_gap(req.items, grant.channels) | match_gap(req.matched, grant.match)
	missing := (open_gaps[grant.id] | asking) | filter_gap(array.concat(req.filters, req.orders), grant)
} if {
	some req in input.requests
}

# Asking whether (no item to be read) is granted apart from asking what.
channel_gap(names, channels) := set() if {
	count(names) > 0
	input.channel in {"query", "bulk"}
	input.channel in channels
} else := set() if {
	count(names) == 0
	"verify" in channels
} else := {"GRANT_CHANNEL"}

match_gap(names, matchable) := set() if {
	every name in names {
		name in matchable
	}
} else := {"ITEM_NOT_MATCHABLE"}

# By a filter or an order the caller learns of an item what reading it would tell, so it must be granted in full.
filter_gap(names, grant) := set() if {
	every name in names {
		name in grant.items
		grant.masks[name] == "none"
	}
} else := {"ITEM_NOT_FILTERABLE"}

# The terms of the grant that covers a request: of several, the one that covers most of what is asked, and
# the lower id where they tie.
covering[req.ref] := terms if {
	some req in input.requests
	ranks := {[0 - count(asked(req.items, offered.items)), offered.id] |
		some offered in input.grants
		found[req.ref][offered.id] == set()
	}
	[_, id] := min(ranks)
	some grant in input.grants
	grant.id == id
	terms := {
		"id": id,
		"items": grant.items,
		"masks": grant.masks,
		"rows": grant.rows,
		"max_rows": grant.max_rows,
		"not_after": grant.not_after,
	}
}

asked(names, granted) := {name | some name in names; name in granted}

# Why no grant covers a request: the gaps of the nearest grant, and the grant's id.
nearest[req.ref] := {"grant": id, "gaps": found[req.ref][id]} if {
	some req in input.requests
	[_, id] := min({[count(missing), id] | some id, missing in found[req.ref]})
}

# METADATA
# title: Matters and cases
# description: The call's matter is one of the caller's, and its case is open, of that matter and system.
# scope: package
package exchange.matters

grounds := {"MATTER_UNKNOWN", "MATTER_INACTIVE", "MATTER_DEPARTMENT"}

# What a case is needed for: everything but open data, and every grant that wants an attested case.
case_grounds := {"CASE_MISSING", "CASE_NOT_OPEN", "CASE_MATTER", "CASE_SYSTEM"}

standing := grounds - cleared

case_standing := case_grounds - cleared_of_case

matter := input.matters[input.usage.matter]

known if is_object(matter)

cleared contains "MATTER_UNKNOWN" if known

# Of a matter that is not known there is nothing else to be said: MATTER_UNKNOWN stands.
cleared contains ground if {
	not known
	some ground in {"MATTER_INACTIVE", "MATTER_DEPARTMENT"}
}

cleared contains "MATTER_INACTIVE" if matter.status == "active"

cleared contains "MATTER_DEPARTMENT" if matter.department == input.caller.department

cleared_of_case contains "CASE_MISSING" if is_object(input.case)

cleared_of_case contains "CASE_NOT_OPEN" if input.case.state == "open"

cleared_of_case contains "CASE_MATTER" if input.case.matter == input.usage.matter

cleared_of_case contains "CASE_SYSTEM" if input.case.system == input.caller.system

# Where there is no case, CASE_MISSING stands and says so.
cleared_of_case contains ground if {
	is_null(input.case)
	some ground in {"CASE_NOT_OPEN", "CASE_MATTER", "CASE_SYSTEM"}
}

attested if {
	count(case_standing) == 0
	input.case.attested == true
}

# Links that a case of this matter may follow to a subject who is no party of it.
follows(relation) if {
	some link in matter.relations
	relation == concat("", ["link:", link])
}

# METADATA
# title: Items
# description: Which of the asked items are given as they are, masked, or refused each with its code.
# scope: package
package exchange.items

import data.exchange.reference

# `names` are the asked items, `grant` holds the granted ones with their masks.
split(names, resource, grant) := {
	"allowed": [name | some name in names; masks[name] == "none"],
	"masked": {name: mask | some name, mask in masks; mask != "none"},
	"denied": {name: code | some name in names; code := refusal(name, resource, grant)},
} if {
	masks := {name: mask(name, resource, grant) | some name in names; givable(name, resource, grant)}
}

givable(name, resource, grant) if {
	name in grant.items
	resource.items[name]["class"] in {"unconditional", "conditional"}
	is_number(reference.masks[grant.masks[name]])
	is_number(reference.masks[resource.items[name].mask])
}

refusal(name, resource, grant) := code if {
	not givable(name, resource, grant)
	code := why_not(name, resource, grant)
}

why_not(name, resource, grant) := "ITEM_UNKNOWN" if {
	not catalogued(name, resource)
} else := "ITEM_NOT_SHARED" if {
	not shared(name, resource)
} else := "ITEM_NOT_GRANTED" if {
	not granted(name, grant)
} else := "ITEM_MASK_UNKNOWN"

catalogued(name, resource) if is_object(resource.items[name])

shared(name, resource) if resource.items[name]["class"] in {"unconditional", "conditional"}

granted(name, grant) if name in grant.items

# The stricter of the grant's mask and the publisher's; only clearance for the item's level lifts the
# publisher's, and nothing lifts the grant's.
mask(name, resource, grant) := grant.masks[name] if {
	reference.masks[grant.masks[name]] >= reference.masks[demanded(resource.items[name])]
} else := resource.items[name].mask

demanded(item) := "none" if {
	sees(item.level)
} else := item.mask

sees(level) if input.officer.clearance >= level

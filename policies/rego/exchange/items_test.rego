package exchange.items_test

import data.exchange.items

resource := {"items": {
	"name": {"class": "conditional", "level": 1, "mask": "none"},
	"phone": {"class": "conditional", "level": 3, "mask": "phone"},
	"notes": {"class": "not-shared", "level": 1, "mask": "none"},
}}

grant := {"items": ["name", "phone", "notes"], "masks": {"name": "none", "phone": "none", "notes": "none"}}

masks := {"none": 0, "phone": 40, "tail4": 60}

split(names, granted, clearance) := found if {
	question := {"officer": {"clearance": clearance}}
	found := items.split(names, resource, granted) with input as question with data.exchange.reference.masks as masks
}

test_each_asked_item_has_one_verdict if {
	split(["name", "phone", "notes", "colour"], grant, 2) == {
		"allowed": ["name"],
		"masked": {"phone": "phone"},
		"denied": {"notes": "ITEM_NOT_SHARED", "colour": "ITEM_UNKNOWN"},
	}
}

test_clearance_lifts_the_publisher_s_mask if {
	split(["phone"], grant, 3).allowed == ["phone"]
}

test_clearance_never_lifts_the_grant_s_mask if {
	split(["phone"], object.union(grant, {"masks": {"phone": "tail4"}}), 4).masked == {"phone": "tail4"}
}

test_the_stricter_mask_wins if {
	split(["phone"], object.union(grant, {"masks": {"phone": "tail4"}}), 1).masked == {"phone": "tail4"}
}

test_an_unknown_mask_refuses_its_item if {
	split(["phone"], object.union(grant, {"masks": {"phone": "glitter"}}), 4).denied == {"phone": "ITEM_MASK_UNKNOWN"}
}

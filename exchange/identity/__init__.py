"""Who calls and who acts: signed requests, access tokens, officers' sessions and signed acts."""

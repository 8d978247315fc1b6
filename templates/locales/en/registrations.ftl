### Systems that ask for a key by themselves.

registrations-title = Registrations
registrations-lead = Systems that asked for a key through the API. Nothing is granted before somebody approves.
registrations-empty = Nothing waits
registrations-empty-more = A department's system registers with POST /api/v1/source-registrations; then it waits here for 30 days.
registrations-decided = Decided
registration-pending = Waits for a decision
registration-approved = Approved
registration-rejected = Rejected
registration-expired = Expired
registration-contact = Contact
registration-network = Came from
registration-at = Registered
registration-until = Waits until
registration-owed = The key can be fetched until
registration-handed = Key handed over
registration-by = Decided by
registration-decided = Decided on
registration-source = To the source
registration-asked = What it asks for
registration-grant = What it gets
registration-grant-note = Filled in as it was asked for. Narrow it before you approve; rights and limits are yours to give.
registration-approve = Approve
registration-approve-hint = The source is there at once. Its key is made when the system fetches it with its claim token, and nobody here sees it.
registration-reject = Reject
registration-reject-title = Reject “{ $name }”?
registration-reason = Reason
registration-reason-hint = Whoever holds the claim token reads it; it is sent to nobody.
registration-reject-all = { $n ->
    [one] Reject the other one that waits from the same network, too
   *[other] Reject the { $count } others that wait from the same network, too
}
registration-was-approved = Approved. Its key is made when the system fetches it.
registration-was-rejected = { $n ->
    [one] Rejected.
   *[other] Rejected { $count } registrations.
}
registration-name-doubt = A source has this name, or one that may be taken for it. Find out whether it is the same system.
registration-department-doubt = No source is of this department so far. See that it is written as elsewhere.
todo-registrations = Registrations of sources
actor-registration = registration { $name }
acted-on-registration = Registrations
act-registration-approve = Approved registration
act-registration-reject = Rejected registration
act-registration-expire = Registration expired
conflict-registration_decided = It was decided meanwhile, or it expired.

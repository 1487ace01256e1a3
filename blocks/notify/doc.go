// Package notify brings a message to its person, once, in their language, on
// the channels it names.
//
// Its promise: the same key is one message. The inbox has it in the same
// transaction as the fact it tells of; e-mail and SMS follow through the job
// queue, are tried again when a provider is down, and how far they got can be
// seen.
//
//	delivery: created ──> sending ──> delivered (inbox, accepted by the provider)
//	                        └──> failed (the provider refuses the address or message)
//
// An e-mail goes out at least once: if the machine dies between the server's
// acceptance and our note of it, it is sent again with the same Message-ID, so
// that mailboxes show it once.
//
// Content is sealed for its person. Logs hold ids only.
//
//	pages  /messages, /messages/{id}; /dev/mail with the development mailbox
//
// Tables: notify_message, notify_delivery, notify_sandbox_sms. Jobs:
// notify.email, notify.sms. Events: none.
package notify

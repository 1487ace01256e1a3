// Package identity says who is there, how sure we are, and for whom they act.
//
// Its promise: an account belongs to one person of the population register or
// to one officer; a session belongs to one account and can be ended at once;
// nothing on these pages tells a stranger whether somebody has an account.
//
// Levels of assurance: a code sent to the e-mail address that the population
// register holds is low; a passkey with user verification is substantial. A
// page that needs more than the session has leads to the step-up page.
//
//	/sign-in ──number──> /sign-in/code ──code──> session (low)
//	    └──passkey──────────────────────────────> session (substantial)
//	/register ──number, name, birth date──> /sign-in/code
//	session (low) ──/sign-in/step-up: passkey, or fresh code and a new passkey──> substantial
//
// A session is either a person's or an officer's (/desk/sign-in). A parent may
// act for a child under 18 whose birth record names them.
//
// With Deps.Demo, and only then, sample people and officers sign in with one
// press; the routes do not exist otherwise.
//
// Tables: identity_account, identity_passkey, identity_session,
// identity_attempt, identity_ceremony, identity_sample; content is sealed, and
// tokens and codes are kept as hashes. Events: none.
package identity

// Package identity says who is there, how sure we are, and for whom they act.
//
// Its promise: an account belongs to one person of the population register or
// to one officer; a session belongs to one account and can be ended at once;
// nothing on these pages tells a stranger whether somebody has an account.
//
// Levels of assurance: a code sent to the e-mail address that the population
// register holds is low; a passkey with user verification is substantial, and
// so is such a code followed by one of an authenticator app (RFC 6238), which
// needs no script. A page that needs more than the session has leads to the
// step-up page.
//
//	/sign-in ──number──> /sign-in/code ──code──> session (low)
//	    └──passkey──────────────────────────────> session (substantial)
//	/register ──number, name, birth date──> /sign-in/code
//	session (low) ──/sign-in/step-up: passkey or app──> substantial
//	session (low) ──fresh code, then a new passkey or app──> substantial
//
// Whoever is asked for a code gets the same pages and the same refusals,
// whether there is such an account or not. Codes are counted in the
// database by person and address (5 an hour, 10 a day, 20 wrong answers a day)
// and by person alone (30 and 60 a day; not for a browser in which the person
// signed in before), and in memory by address; passkeys work on while codes rest. A session lasts 30 minutes without
// use and 12 hours at most; its use is written once a minute, and signing out
// holds at once (in other processes within 5 seconds). Making or removing a
// passkey or an app and changing the e-mail address need a substantial session
// or, for those who have neither yet, a code of the last 10 minutes; each change is
// told by e-mail. A code of an app counts once.
//
// A session is either a person's or an officer's (/desk/sign-in). A parent may
// act for a child under 18 whose birth record names them.
//
// With Deps.Demo, and only then, sample people and officers sign in with one
// press; the routes do not exist otherwise.
//
//	pages  /sign-in, /sign-in/code, /sign-in/step-up, /sign-in/app,
//	       /register, /sign-out
//	       /desk/sign-in, /account (passkeys, app, sessions, contact, children)
//	       /demo, /sign-in/demo
//	POST   /api/identity/passkeys/{register,login}/{begin,finish}
//
// Tables: identity_account, identity_passkey, identity_authenticator,
// identity_session, identity_attempt, identity_ceremony, identity_sample,
// identity_limit; content is sealed, and
// tokens and codes are kept as hashes. Events: none.
package identity

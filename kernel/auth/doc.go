// Package auth says who is asking and who may ask.
//
// A Principal is the caller of one request: a person (at a level of
// assurance, perhaps on behalf of another), an officer of a member with roles,
// or a subsystem calling the API. It is put in the context by the front door
// and read by everybody.
//
// An Access is the rule of one route. Routes deny by default: the zero Access
// lets nobody in. Access answers "may this sort of caller come in"; whether
// they may touch this very case is a question for the rules of the block.
//
//	nobody signed in        Unauthenticated  auth.sign_in, auth.client
//	signed in too weakly    Forbidden        auth.step_up  {needed}
//	somebody else's room    Forbidden        auth.wrong_role
package auth

package services

import (
	"fmt"
	"slices"
	"strings"
)

// fields looks at each question by itself and at their ids together.
func (l *linter) fields() {
	u := l.unique("field")
	all := map[string]string{}
	facts := l.unique("known fact")
	for i, p := range l.def.Pages {
		at := fmt.Sprintf("pages[%d]", i)
		if len(p.Fields) == 0 && len(p.Known) == 0 && p.Intro.IsZero() {
			l.error(at, "page_empty", "page %s shows nothing; add fields, known or intro, or remove it", p.ID)
		}
		for j, k := range p.Known {
			facts(fmt.Sprintf("%s.known[%d].id", at, j), k.ID)
			l.source(fmt.Sprintf("%s.known[%d].source", at, j), k.Source, true)
		}
		for j, f := range p.Fields {
			path := fmt.Sprintf("%s.fields[%d]", at, j)
			u(path+".id", f.ID)
			all[f.ID] = path
			l.field(path, f)
			l.samePage(path, f, p)
		}
	}
	for id, path := range all {
		for i, c := range id {
			if c == '.' && all[id[:i]] != "" {
				l.error(path+".id", "nested_id", "%q cannot stand inside %q, which is a field itself; rename one", id, id[:i])
			}
		}
	}
	for i, st := range l.def.Workflow.States {
		for j, a := range st.Action {
			l.form(fmt.Sprintf("workflow.states[%d].actions[%d]", i, j), a, all)
		}
	}
}

func (l *linter) form(at string, a Action, pages map[string]string) {
	u := l.unique("field")
	for k, f := range a.Form {
		path := fmt.Sprintf("%s.form[%d]", at, k)
		u(path+".id", f.ID)
		l.field(path, f)
	}
	if len(a.Form) == 0 {
		return
	}
	for id := range pages {
		if root, _, _ := strings.Cut(id, "."); root == a.ID {
			l.error(at+".id", "action_like_field", "answers.%s would hold both this action's form and the field %q; rename one", a.ID, id)
			return
		}
	}
}

// source checks that a fact says where it comes from.
func (l *linter) source(path, id string, fact bool) {
	if id == "" || fact && id == "applicant" {
		return
	}
	if !slices.ContainsFunc(l.def.Evidence, func(e Evidence) bool { return e.ID == id }) {
		l.error(path, "unknown_evidence", "there is no evidence %q; name the evidence the value comes from, or applicant", id)
	}
}

func (l *linter) field(path string, f Field) {
	choice := f.Type == TypeRadios || f.Type == TypeSelect || f.Type == TypeCheckboxes
	switch {
	case choice && len(f.Options) == 0 && f.OptionsFrom == "":
		l.error(path, "options_missing", "a %s field needs options or options_from", f.Type)
	case choice && len(f.Options) > 0 && f.OptionsFrom != "":
		l.error(path, "options_twice", "give options or options_from, not both")
	case !choice && (len(f.Options) > 0 || f.OptionsFrom != ""):
		l.error(path, "options_unused", "a %s field has no options; remove them or change type", f.Type)
	}
	u := l.unique("option")
	for k, o := range f.Options {
		u(fmt.Sprintf("%s.options[%d].value", path, k), o.Value)
	}
	if f.Type == TypeFile && (len(f.Accept) == 0 || f.MaxBytes == 0) {
		l.error(path, "file_limits", "a file field needs accept (media types) and max_bytes")
	}
	if f.Type != TypeFile && (len(f.Accept) > 0 || f.MaxBytes > 0 || f.Image != nil) {
		l.error(path, "file_only", "accept, max_bytes and image belong to file fields")
	}
	if (f.Min != "" || f.Max != "") && f.Type != TypeNumber && f.Type != TypeDate {
		l.error(path, "limits_only", "min and max belong to number and date fields; use max_length for text")
	}
	texts := []FieldType{TypeText, TypeTextarea, TypeName}
	if (f.MaxLength > 0 || f.Pattern != "") && !slices.Contains(texts, f.Type) {
		l.error(path, "text_only", "max_length and pattern belong to text, textarea and name fields")
	}
	if f.Source != "" {
		l.source(path+".source", f.Source, true)
		if f.Prefill == "" {
			l.error(path+".source", "source_without_prefill", "source says where prefill comes from; add prefill or remove source")
		}
	}
	if f.Type == TypeDeclaration && f.Optional {
		l.error(path+".optional", "declaration_optional", "a declaration that may be left out declares nothing; remove optional")
	}
}

// samePage warns about questions that appear only after the page was sent.
func (l *linter) samePage(path string, f Field, p Page) {
	by, _, simple := l.reader.revealing(f.When)
	for _, r := range l.reader.refs(f.When) {
		if r.root != "answers" {
			continue
		}
		id := strings.Join(r.path, ".")
		for _, other := range p.Fields {
			can := other.Type == TypeRadios || other.Type == TypeYesNo
			if other.ID == id && !(simple && by == id && can) {
				l.warn(path+".when", "same_page",
					"reads %s of the same page, which shows it at once only for answers.<radios or yesno> == <value>; move the field to a later page", id)
			}
		}
	}
}

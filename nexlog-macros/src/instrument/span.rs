//! The span of a function: its site, its fields, and the record of the time it took.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote_spanned;

use super::builds::Asked;
use super::model::{Function, Options};
use crate::record::check::Faults;
use crate::record::code::{bare_name, single};
use crate::record::descriptor::{Kind, Part};
use crate::record::expand::Site;
use crate::record::model::{Bare, Call, Chosen, Form, How, Item, Key, LevelArg, Shape, Value};
use crate::record::resolve::{Plan, Slot, Source, resolve};
use crate::record::values::word;
use crate::static_filter::Verdict;

/// What is put around the body.
pub struct SpanCode {
    pub site: Site,
    plan: Plan,
}

impl SpanCode {
    pub fn new(
        options: &mut Options,
        function: &Function,
        verdict: Verdict,
        faults: &mut Faults,
    ) -> SpanCode {
        let mut items = arguments(options, function);
        items.append(&mut options.fields);
        let mut plan = resolve(items, faults);
        plan.name(Some(options.name.clone().unwrap_or_else(|| function.name())));
        let level = match options.level.take() {
            Some((level, path)) => LevelArg::Static(level, path),
            None => LevelArg::Unknown,
        };
        let mut call = call(options, Form::Span, level);
        call.options.extend(options.parent.take().map(Chosen::Parent));
        SpanCode { site: Site::new(call, verdict.into()), plan }
    }

    /// The guard of a body that runs here: statements. Where there is no span the variable is
    /// never set, and nothing is dropped; a guard of nothing would leave a call behind.
    pub fn guard(&self, timed: Option<&Timed>) -> TokenStream {
        let krate = &self.site.krate;
        let mixed = Span::mixed_site();
        let wrap = |frame: TokenStream| {
            let body = quote_spanned!(mixed=> (#frame).body());
            let body = match timed {
                Some(timed) => timed.around(&word("nexlog_body"), &body),
                None => body,
            };
            quote_spanned!(mixed=> _nexlog_body = #body;)
        };
        let entered = self.site.conditional(&self.plan, &wrap, &TokenStream::new());
        quote_spanned!(mixed=> let _nexlog_body: #krate::__private::Body; #entered)
    }

    /// The span of a future.
    pub fn span(&self) -> TokenStream {
        let krate = &self.site.krate;
        let mixed = Span::mixed_site();
        let wrap = |frame: TokenStream| quote_spanned!(mixed=> (#frame).span());
        self.site.conditional(
            &self.plan,
            &wrap,
            &quote_spanned!(mixed=> #krate::__private::Span::none()),
        )
    }

    /// What is left where the level is removed: the fields type-check.
    pub fn checked_only(&self) -> TokenStream {
        let frame = self.site.frame(&self.plan);
        let check_level = self.site.check_level();
        quote_spanned!(Span::mixed_site()=> if false { #check_level let _nexlog_frame = #frame; })
    }
}

/// The arguments that are asked for, but those that a field replaces.
fn arguments(options: &Options, function: &Function) -> Vec<Item> {
    if options.args.is_none() && options.skip.is_none() {
        return Vec::new();
    }
    let replaced: Vec<&str> = options.fields.iter().filter_map(key).collect();
    let skipped = options.skip.as_ref().map_or(&[][..], |(_, names)| names);
    let is_wanted = |name: &str| {
        !replaced.contains(&name) && skipped.iter().all(|skipped| bare_name(skipped) != name)
    };
    let bindings = function.bindings.iter().filter(|binding| !binding.is_conditional);
    bindings
        .map(|binding| (bare_name(&binding.ident), &binding.ident))
        .filter(|(name, _)| is_wanted(name))
        .map(|(name, ident)| argument(name, ident))
        .collect()
}

fn argument(name: String, ident: &Ident) -> Item {
    let code = single(TokenTree::Ident(ident.clone()));
    Item::Field(Key::Literal(name, ident.span()), Value { how: How::Given, code })
}

fn key(item: &Item) -> Option<&str> {
    match item {
        Item::Field(Key::Literal(key, _), _)
        | Item::Bare(Bare { key: Some(Key::Literal(key, _)), shape: Shape::Other, .. }) => {
            Some(key)
        }
        _ => None,
    }
}

/// A call of this function's target, without a name.
pub fn call(options: &Options, form: Form, level: LevelArg) -> Call {
    Call {
        krate: options.krate.clone(),
        form,
        level,
        options: options.target.clone().map(Chosen::Target).into_iter().collect(),
        level_at: 0,
        name: None,
        items: Vec::new(),
    }
}

/// The option `elapsed`: a record at the end, whose values the runtime fills in.
pub struct Timed {
    site: Site,
    plan: Plan,
}

impl Timed {
    pub fn new(options: &Options, asked: Asked, is_future: bool) -> Timed {
        let keys: &[&str] = if is_future { &["elapsed", "busy", "idle"] } else { &["elapsed"] };
        let slot = |key: &&str| Slot {
            kind: Kind::Field,
            key: (*key).to_owned(),
            source: Source::Value(How::Typed, 0),
        };
        let plan = Plan {
            slots: keys.iter().map(slot).collect(),
            arguments: Vec::new(),
            message: Some(vec![Part::Text("finished".to_owned())]),
        };
        let call = call(options, Form::Record, LevelArg::Static(asked.level, None));
        Timed { site: Site::new(call, asked.verdict.into()), plan }
    }

    /// A guard or a future that tells, if somebody wants to know.
    pub fn around(&self, name: &Ident, value: &TokenStream) -> TokenStream {
        let (condition, site) = (self.site.condition(), self.site.site(&self.plan));
        quote_spanned! {Span::mixed_site()=> {
            let #name = #value;
            if #condition {
                #site
                if nexlog_site.may_be_enabled() { #name.timed(nexlog_site) } else { #name }
            } else {
                #name
            }
        }}
    }
}

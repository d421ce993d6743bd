//! Functions of JavaScript's that SQLite asks. The facade's, which catch what a program's throw.

use actor_sqlite_session::{ApplyChanges, AskedAuthorizer, Authorization, AuthorizerQuestion};
use napi::bindgen_prelude::{FnArgs, Function, FunctionRef};
use napi::{Env, sys};

use super::rows::Scope;

/// `SQLITE_CHANGESET_ABORT`.
const ABORT: i32 = 2;

/// `SQLITE_IGNORE`.
const IGNORE: i32 = 2;

type Text = Option<String>;

/// What an authorizer is asked: action, its two arguments, database, trigger or view.
pub type Question = FnArgs<(i32, Text, Text, Text, Text)>;

/// An authorizer, which answers with SQLite's codes.
pub struct JsAuthorizer {
    function: FunctionRef<Question, i32>,
    env: sys::napi_env,
}

// SAFETY: it belongs to a session that only the thread of its environment has.
unsafe impl Send for JsAuthorizer {}

impl JsAuthorizer {
    pub fn new(env: &Env, function: FunctionRef<Question, i32>) -> Self {
        Self { function, env: env.raw() }
    }
}

impl AskedAuthorizer for JsAuthorizer {
    fn ask(&mut self, question: &AuthorizerQuestion<'_>) -> Authorization {
        let env = Env::from_raw(self.env);
        let _scope = Scope::open(&env);
        let text = |text: Option<&str>| text.map(str::to_owned);
        let AuthorizerQuestion { action, first, second, database, accessor } = *question;
        let question = (action, text(first), text(second), text(database), text(accessor));
        let answer =
            self.function.borrow_back(&env).and_then(|function| function.call(question.into()));
        match answer {
            Ok(0) => Authorization::Allow,
            Ok(IGNORE) => Authorization::Ignore,
            _ => Authorization::Deny,
        }
    }
}

/// Decides while changes are applied. A function that is missing wants everything, or aborts.
pub struct JsHandler<'a> {
    pub env: &'a Env,
    pub filter: Option<Function<'a, FnArgs<(String,)>, bool>>,
    pub conflict: Option<Function<'a, FnArgs<(i32,)>, i32>>,
}

impl ApplyChanges for JsHandler<'_> {
    fn wants(&mut self, table: &str) -> bool {
        let _scope = Scope::open(self.env);
        let ask = |filter: &Function<'_, FnArgs<(String,)>, bool>| {
            filter.call((table.to_owned(),).into()).unwrap_or(false)
        };
        self.filter.as_ref().is_none_or(ask)
    }

    fn conflict(&mut self, kind: i32) -> i32 {
        let _scope = Scope::open(self.env);
        let ask = |conflict: &Function<'_, FnArgs<(i32,)>, i32>| {
            conflict.call((kind,).into()).unwrap_or(ABORT)
        };
        self.conflict.as_ref().map_or(ABORT, ask)
    }
}

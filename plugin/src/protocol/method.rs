//! A row of the table of methods, as the file of the method declares it.

use serde_json::value::RawValue;

use crate::protocol::answer::Work;
use crate::protocol::error::RpcError;
use crate::protocol::mutation::ReadMutation;
#[cfg(test)]
use crate::protocol::schema::Schema;

/// A method.
pub(super) struct Method {
    /// Its name.
    pub name: &'static str,
    /// How its parameters become work.
    pub kind: Kind,
    /// What the page and the schema say of it.
    #[cfg(test)]
    pub doc: Doc,
}

/// How parameters become work.
pub(super) enum Kind {
    /// By themselves.
    Ask(fn(Option<&RawValue>) -> Result<Work, RpcError>),
    /// As a mutation, which takes `at` and `dry_run` beside its own.
    Change(ReadMutation),
}

/// What the page and the schema say of a method.
#[cfg(test)]
pub(super) struct Doc {
    /// Where on the page it stands.
    pub group: Group,
    /// What it is for.
    pub about: &'static str,
    /// What it takes.
    pub params: Schema,
    /// What it answers; of a mutation, beside `position` and `seq`.
    pub result: Schema,
}

/// Groups of methods, in the order of the page.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Session,
    Nodes,
    Patterns,
    Modulation,
    Midi,
    Macros,
    Engine,
    Sounds,
    Events,
}

/// Declares the methods of a file: text of the documentation, group, name, how parameters are read, their type, and
/// the type of the answer.
macro_rules! methods {
    ($($(#[doc = $about:literal])+ $group:ident $name:literal $kind:ident($read:expr) $params:tt => $result:tt;)*) => {
        /// The rows of these methods.
        pub(in crate::protocol) const METHODS: &[crate::protocol::method::Method] = &[$(
            crate::protocol::method::Method {
                name: $name,
                kind: crate::protocol::method::Kind::$kind($read),
                #[cfg(test)]
                doc: crate::protocol::method::Doc {
                    group: crate::protocol::method::Group::$group,
                    about: concat!($($about),+),
                    params: crate::protocol::method::methods!(@read $params),
                    result: crate::protocol::method::methods!(@said $result),
                },
            }
        ),*];
    };
    (@read ()) => { crate::protocol::schema::none };
    (@read ($type:ty)) => { crate::protocol::schema::read::<$type> };
    (@said ()) => { crate::protocol::schema::none };
    (@said ($type:ty)) => { crate::protocol::schema::said::<$type> };
}

pub(super) use methods;

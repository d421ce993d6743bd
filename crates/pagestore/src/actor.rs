//! The name of a database.

use std::fmt;
use std::sync::Arc;

/// A namespace and the name of an actor in it: the identity of one database.
///
/// Cheap to clone. Both parts are UTF-8, without NUL; the namespace may be empty, the name may not.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId {
    namespace: Arc<str>,
    name: Arc<str>,
}

/// The text cannot name an actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidActorId {
    /// The name is empty.
    #[error("an actor's name must not be empty")]
    Empty,
    /// A part is longer than [`ActorId::PART_BYTES_MAX`].
    #[error("{part} has {bytes} bytes of UTF-8, more than {}", ActorId::PART_BYTES_MAX)]
    TooLong {
        /// `namespace` or `name`.
        part: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A part holds a NUL character.
    #[error("{part} holds a NUL character")]
    Nul {
        /// `namespace` or `name`.
        part: &'static str,
    },
}

impl ActorId {
    /// The longest namespace or name, in bytes of UTF-8.
    pub const PART_BYTES_MAX: usize = 512;

    /// Checks and takes both parts.
    pub fn new(namespace: &str, name: &str) -> Result<Self, InvalidActorId> {
        if name.is_empty() {
            return Err(InvalidActorId::Empty);
        }
        for (part, text) in [("namespace", namespace), ("name", name)] {
            if text.len() > Self::PART_BYTES_MAX {
                return Err(InvalidActorId::TooLong { part, bytes: text.len() });
            }
            if text.contains('\0') {
                return Err(InvalidActorId::Nul { part });
            }
        }
        Ok(Self { namespace: namespace.into(), name: name.into() })
    }

    /// The namespace, empty by default.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The actor's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

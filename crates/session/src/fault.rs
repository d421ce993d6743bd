//! A failure on its way to the caller, before it is known what was behind SQLite's code.

use crate::SessionError;
use crate::raw::RawError;

pub(crate) enum Fault {
    /// SQLite said so.
    Raw(RawError),
    /// We said so.
    Session(SessionError),
    /// One statement of several.
    At(usize, Box<Fault>),
}

impl Fault {
    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Self::Session(SessionError::Usage { reason: reason.into() })
    }

    pub(crate) fn parameters(reason: impl Into<String>) -> Self {
        Self::Session(SessionError::Parameters { reason: reason.into() })
    }
}

impl From<RawError> for Fault {
    fn from(error: RawError) -> Self {
        Self::Raw(error)
    }
}

impl From<SessionError> for Fault {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

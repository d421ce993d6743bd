//! What is in the rows: the envelope around every value, and one type a kind of row.

mod bytes;
mod envelope;
mod epoch;
mod floor;
mod gone;
mod head;
mod hints;
mod index;
mod past;
mod root;
mod staged;

pub(crate) use envelope::{
    CHECKSUM_BYTES, ENVELOPE_BYTES, Format, RowFault, begin, end, open, open_v1, seal, seal_as,
};
pub(crate) use epoch::EpochRow;
pub(crate) use floor::FloorRow;
pub(crate) use gone::{BuildRow, GoneRow};
pub(crate) use head::HeadRow;
pub(crate) use hints::HintsRow;
pub(crate) use index::{IndexPage, IndexRow};
pub(crate) use past::PastRow;
pub(crate) use root::RootRow;
pub(crate) use staged::{DeltaIndex, StagedIndexRow, StagedRow};

//! Statistics of a segment beside those of everybody in the same regions, for the field `index` of a measure.

use std::collections::HashMap;

use async_graphql::{Context, SelectionField};

use crate::{
    domain::error::Error,
    privacy::{Question, Released},
    statistics::measure::Measure,
};

/// Statistics of a segment, and those of everybody in its regions: `None` if no index is selected, if they are
/// withheld, or if the segment already covers everybody.
pub struct WithReference<S> {
    pub released: Released,
    pub own: S,
    reference: Option<S>,
}

impl<S> WithReference<S> {
    /// Reads the answers to `own` and `reference`.
    ///
    /// # Errors
    /// The error of the answer to `own`. Without the reference there is no index, and no error.
    pub fn read(
        own: &Question,
        reference: Option<&Question>,
        answers: &HashMap<Question, Result<Released, Error>>,
        read: impl Fn(&Released) -> Result<S, Error>,
    ) -> Result<Self, Error> {
        let answer = |question: &Question| answers.get(question).cloned().unwrap_or(Err(Error::Internal));
        let released = answer(own)?;
        let reference = reference.and_then(|question| read(&answer(question).ok()?).ok());
        Ok(Self { own: read(&released)?, reference, released })
    }

    /// A number with its index.
    ///
    /// # Errors
    /// The error of the segment's own number.
    pub fn measure(&self, of: impl Fn(&S) -> Result<Measure, Error>) -> Result<Option<Measure>, Error> {
        let reference = self.reference.as_ref().and_then(|statistics| of(statistics).ok());
        Ok(Some(of(&self.own)?.relative_to(reference.as_ref())))
    }

    /// Numbers with their indexes.
    pub fn measures(&self, of: impl Fn(&S) -> Vec<Option<Measure>>) -> Vec<Option<Measure>> {
        let mut reference = self.reference.as_ref().map(&of).unwrap_or_default().into_iter();
        let own = of(&self.own).into_iter();
        own.map(|own| {
            let reference = reference.next().flatten();
            own.map(|own| own.relative_to(reference.as_ref()))
        })
        .collect()
    }
}

/// The question about everybody in the regions of a segment, if the field of this context selects an index of a number,
/// and the segment does not cover everybody.
#[must_use]
pub fn question(ctx: &Context<'_>, own: &Question) -> Option<Question> {
    own.reference().filter(|_| selects(ctx.field(), "index"))
}

fn selects(field: SelectionField<'_>, name: &str) -> bool {
    field.selection_set().any(|field| field.name() == name || selects(field, name))
}

//! The questions of a document that is quoted: which bundles of which segments it asks for.

use async_graphql::parser::types::OperationType;
use async_graphql::{InputType, Name, Value};
use graphql_limits::{NormalizedField, NormalizedOperation};

use super::{context::RequestContext, types::quote::QuotedUnits};
use crate::{
    domain::{epoch::WindowLength, error::Error, precision::Precision, segment::Definition},
    gate::{
        documents::PricedDocument,
        prices::{ReleasedSegment, reference_bundle, releases_of},
    },
    privacy::{Bundle, Question},
};

/// What the releases of a document would cost the caller's key, in privacy units.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
pub async fn quote(context: &RequestContext, priced: &PricedDocument) -> Result<QuotedUnits, Error> {
    let Questions { questions, is_complete } = Questions::read(&priced.operation, context).await?;
    let service = &context.releases.loader().releases;
    let segments = service.quote(&context.caller.account, &context.epoch, &questions).await?;
    let bundles = || segments.iter().flat_map(|segment| &segment.bundles);
    let sum: i64 = bundles().map(|bundle| bundle.microunits).sum();
    let microunits = match (context.caller.test_mode, is_complete) {
        (true, _) => 0,
        (false, true) => sum,
        (false, false) => priced.cost.microunits,
    };
    let budget = context.services.releases.budget(&context.caller.account).await?;
    Ok(QuotedUnits {
        microunits,
        is_exact: context.caller.test_mode || is_complete && bundles().all(|bundle| bundle.is_exact),
        segments,
        left_microunits: budget.left_microunits(),
    })
}

/// The questions of a document, and whether they are all of its questions.
#[derive(Default)]
pub struct Questions {
    pub questions: Vec<Question>,
    /// False if the document asks about segments that are known only when it is executed.
    pub is_complete: bool,
}

impl Questions {
    /// Reads the questions of an operation. Segments that do not exist, and definitions that are not valid, ask
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] if saved segments cannot be read.
    pub async fn read(operation: &NormalizedOperation, context: &RequestContext) -> Result<Self, Error> {
        let mut questions = Self { questions: Vec::new(), is_complete: operation.kind == OperationType::Query };
        for field in &operation.selections {
            let precision = argument(field, "precision").unwrap_or_default();
            match field.name.as_str() {
                "cohort" => questions.add_definition(argument(field, "definition"), precision, field, context),
                "cohorts" => {
                    let definitions: Vec<Definition> = argument(field, "definitions").unwrap_or_default();
                    for definition in definitions {
                        questions.add_definition(Some(definition), precision, field, context);
                    }
                }
                "segment" => {
                    let slug: String = argument(field, "slug").unwrap_or_default();
                    let saved = context.segments.load_one(slug).await?;
                    let definition = saved.and_then(|saved| saved.definition().ok());
                    questions.add_definition(definition, precision, field, context);
                }
                "segments" => questions.is_complete = false,
                _ => {}
            }
        }
        Ok(questions)
    }

    fn add_definition(
        &mut self,
        definition: Option<Definition>,
        precision: Precision,
        field: &NormalizedField,
        context: &RequestContext,
    ) {
        let Some(cohort) = definition.and_then(|definition| context.cohort(&definition).ok()) else { return };
        let own = context.question(&cohort, WindowLength::Days28, Bundle::Size, precision);
        for child in &field.children {
            let window = argument(child, "window").unwrap_or(WindowLength::Days28);
            self.add_field("Segment", child, window, &own, context);
            if let Some(bundle) = reference_bundle(&child.name).filter(|_| selects_index(child)) {
                self.add(bundle, ReleasedSegment::Regions, child, window, &own, context);
            }
            let implications = child.children.iter().filter(|field| field.name == "implications");
            for field in implications.flat_map(|implications| &implications.children) {
                self.add_field("ProductImplications", field, window, &own, context);
            }
        }
    }

    fn add_field(
        &mut self,
        on: &str,
        field: &NormalizedField,
        length: WindowLength,
        own: &Question,
        context: &RequestContext,
    ) {
        for (bundle, of) in releases_of(on, &field.name) {
            self.add(*bundle, *of, field, length, own, context);
        }
    }

    fn add(
        &mut self,
        bundle: Bundle,
        of: ReleasedSegment,
        field: &NormalizedField,
        length: WindowLength,
        own: &Question,
        context: &RequestContext,
    ) {
        let length = if bundle == Bundle::Behavior { length } else { WindowLength::Days28 };
        let mut question = context.question(&own.cohort, length, bundle, own.precision);
        match of {
            ReleasedSegment::Own => {}
            ReleasedSegment::Other => {
                let Some(other) = argument(field, "with").and_then(|with| context.cohort(&with).ok()) else { return };
                question.cohort = other;
            }
            ReleasedSegment::Regions => {
                let Some(reference) = question.reference() else { return };
                question = reference;
            }
        }
        self.questions.push(question);
    }
}

fn selects_index(field: &NormalizedField) -> bool {
    field.children.iter().any(|child| child.name == "index" || selects_index(child))
}

/// An argument of a field; `None` if it is absent or not of this type.
fn argument<T: InputType>(field: &NormalizedField, name: &str) -> Option<T> {
    let value: &Value = field.arguments.get(&Name::new(name))?;
    T::parse(Some(value.clone())).ok()
}

//! Turns the model into charts and schemas: the same input gives the same bytes.
//!
//! [`charts`] and [`outputs`] are pure; [`check`] and [`write`](write()) compare with and write to a checkout; [`validate`]
//! checks a user's values with the same schema and the same rules that a chart carries. It hands out findings as data;
//! [`render`] shows them to people and [`Report`] to programs. [`change`](change()) tells what it takes to go from some values
//! to others.

mod change;
mod chart;
mod disk;
mod forms;
mod lint;
mod offering;
mod readme;
mod registry;
mod report;
mod schema;
mod template;
mod validate;
mod values_file;
mod yaml;

pub use change::{Answer, ChangeError, Changes, Side, change, shown};
pub use chart::{Chart, Error, HookImage, charts, charts_with, outputs};
pub use disk::{Difference, DiskError, check, check_files, write, write_files};
pub use lint::{LintError, lint};
pub use midships_model::change::{Change, Effect};
pub use midships_model::model::Model;
pub use midships_model::rules::{Finding, Place, Related, Release, Severity, Suggestion};
pub use offering::{Icon, Offering, OfferingError, Reading, icon_of, offering_schema};
pub use registry::models;
pub use report::{Report, render, report_schema};
pub use validate::{
    CHECKS, ValidateError, decode, forbidden_changes, merged, validate, without_effect,
};

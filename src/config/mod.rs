//! Settings, secrets and directories: where a value may come from, what it may be, and what was found wrong.
//!
//! Layers, each over the one before: defaults, the configuration file, the environment file, the process environment, the command
//! line. One table ([`SETTINGS`]) declares every setting; the file's keys, the environment's names, the checks and the reference page
//! are made from it, so that they cannot drift apart.
//!
//! This room may not open a database or a connection, and no value of a secret leaves it in a message, a `Debug` form or a listing.

mod backup;
mod check;
mod database_address;
mod directories;
pub(crate) mod environment_file;
mod error;
mod load;
mod nearest;
mod problem;
mod reference;
mod registry;
mod route;
mod settings;
mod source;
mod toml_file;
mod value;

pub use backup::BackupSettings;
pub use check::check;
pub use database_address::{is_scheme, mask_address};
pub use directories::{Directories, prepare};
pub(crate) use environment_file::named_in;
pub use error::Error;
pub use load::{FileStatus, Loaded, PROBES_FILE, Request, Shown, load};
pub(crate) use nearest::nearest;
pub use problem::{Level, Problem};
pub use reference::reference;
pub use registry::{Kind, Purpose, SETTINGS, Setting};
pub use route::{ModelLimits, RouteSettings};
pub use settings::{
    AgentSettings, AuditSettings, ConsoleSettings, EmbedderSettings, LlmSettings, Mode, ModerationSettings, RedditSettings, Settings,
};
pub use source::Source;

pub(crate) use toml_file::position;
pub(crate) use value::is_placeholder;

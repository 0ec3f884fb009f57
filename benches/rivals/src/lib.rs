//! What the programs of this package share: one program for each rival (`src/bin/<rival>.rs`) and
//! the driver that runs them in turn (`src/bin/rivals/`, which is `cargo rivals`).
//!
//! - [`record`]: what is logged, in five shapes, and what must be found in the file.
//! - [`rival`]: what a rival says of itself and can be asked to do. A new one implements it.
//! - [`measure`]: the measurements, each generic over the rival.
//! - [`child`]: the command line and the answer of a rival's program.
//! - [`facade`], [`file`]: what several rivals would otherwise repeat.
//! - [`clock`], [`process`]: what is read of the machine.
//!
//! Nothing here knows a single rival: each program contains its own library only.

pub mod child;
pub mod clock;
pub mod facade;
pub mod file;
pub mod measure;
pub mod process;
pub mod record;
pub mod rival;

pub use child::{entry, serve};
pub use record::{Context, Displayed, Integers, Request, Strings};
pub use rival::{About, Format, Kind, Measure, Rival, Setup, Shape};

//! From the model to a builder.

use super::format::FormatChoice;
use super::model::{self, Compress, Model, Stream};
use crate::{Archive, Builder, Console, File, Keep, Rotate, Value, ValueWriter};

/// States everything that the model says.
pub(super) fn to(builder: Builder, model: &Model) -> Builder {
    let mut builder = builder
        .filter(&model.filter.0)
        .mode(model.mode.into())
        .overflow(model.overflow.into())
        .lane_bytes(model.lane_bytes.0)
        .max_record_bytes(model.max_record_bytes.0)
        .flush_interval(model.flush_interval.0)
        .crash_safe(model.crash_safe)
        .spans(model.spans.into())
        .redact(&model.redact);
    if let Some(bytes) = &model.max_value_bytes {
        builder = builder.max_value_bytes(bytes.0);
    }
    if let Some(variable) = &model.filter_env {
        builder = builder.filter_env(variable);
    }
    if let Some(path) = &model.filter_file {
        builder = builder.filter_file(path);
    }
    if let Some(level) = model.flush_level {
        builder = builder.flush_level(level.0);
    }
    if let Some(dir) = &model.crash_dir {
        builder = builder.crash_dir(dir);
    }
    if model.hostname {
        builder = builder.hostname();
    }
    if model.pid {
        builder = builder.pid();
    }
    for (key, value) in &model.field {
        builder = builder.field(key, Field(value));
    }
    let builder = model.console.iter().map(console).fold(builder, Builder::console);
    model.file.iter().map(file).fold(builder, Builder::file)
}

/// A value of the file as that of a field.
struct Field<'a>(&'a toml::Value);

impl Value for Field<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        match self.0 {
            toml::Value::String(text) => out.str(text),
            toml::Value::Integer(number) => out.i64(*number),
            toml::Value::Float(number) => out.f64(*number),
            toml::Value::Boolean(answer) => out.bool(*answer),
            toml::Value::Datetime(time) => out.display(time),
            toml::Value::Array(items) => {
                out.list(|list| items.iter().for_each(|item| list.item(&Field(item))));
            }
            toml::Value::Table(entries) => {
                out.map(|map| entries.iter().for_each(|(key, it)| map.entry(key, &Field(it))));
            }
        }
    }
}

/// A format and a filter, for what takes both.
macro_rules! choose {
    ($output:expr, $model:expr) => {{
        let mut output = match &$model.format {
            FormatChoice::Json(json) => $output.format(json.build()),
            FormatChoice::Text(text) => $output.format(text.build()),
        };
        if let Some(level) = $model.level {
            output = output.level(level.0);
        }
        if let Some(directives) = &$model.filter {
            output = output.filter(&directives.0);
        }
        output
    }};
}

fn console(model: &model::Console) -> Console {
    let console = match model.stream {
        Stream::Stderr => Console::stderr(),
        Stream::Stdout => Console::stdout(),
    };
    choose!(console.color(model.color.into()), model)
}

fn file(model: &model::File) -> File {
    let mut file = File::at(&model.path).mode(model.mode.0).mapped(model.mapped);
    if let Some(rotate) = &model.rotate {
        file = file.rotate(rotation(rotate));
    }
    if let Some(keep) = &model.keep {
        file = file.keep(kept(keep));
    }
    if let Some(archive) = &model.archive {
        file = file.archive(match archive.as_str() {
            "numbered" => Archive::numbered(),
            "sequence" => Archive::sequence(),
            pattern => Archive::dated(pattern),
        });
    }
    match model.compress {
        None | Some(Compress::None) => {}
        #[cfg(feature = "gzip")]
        Some(Compress::Gzip) => file = file.compress(crate::Compression::Gzip),
        #[cfg(feature = "zstd")]
        Some(Compress::Zstd) => file = file.compress(crate::Compression::Zstd),
    }
    if let Some(bytes) = model.preallocate {
        file = file.preallocate(bytes.0);
    }
    if model.reopen_on_hangup {
        file = file.reopen_on_hangup();
    }
    choose!(file, model)
}

fn rotation(model: &model::Rotate) -> Rotate {
    let mut rotate = Rotate::on_demand();
    if let Some(size) = model.size {
        rotate = rotate.or_size(size.0);
    }
    if let Some(period) = model.every {
        rotate = rotate.or_every(period.into());
    }
    if model.at_start {
        rotate = rotate.or_at_start();
    }
    if model.local { rotate.local() } else { rotate }
}

fn kept(model: &model::Keep) -> Keep {
    let mut keep = model.files.map_or_else(Keep::all, Keep::files);
    if let Some(total) = model.total {
        keep = keep.total_bytes(total.0);
    }
    if let Some(age) = model.max_age {
        keep = keep.max_age(age.0);
    }
    keep
}

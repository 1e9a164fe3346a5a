//! Reading, checking and merging: defaults, then the file, then variables.
//!
//! **Invariant:** a value is used only after every given key was found in the
//! table.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::key::{Key, Section, defaults, variable};
use super::{Settings, SettingsError, UnknownKey};

/// The most that is read of a settings file, in bytes.
const LARGEST_FILE: usize = 1 << 20;

/// How alike two keys are before one is offered for the other, from 0 to 1.
const ALIKE: f64 = 0.5;

/// Where settings were given.
#[derive(Debug, Clone)]
pub struct Sources {
    file: Option<(PathBuf, String)>,
    /// `None` for the variables of the process.
    variables: Option<Map<String, String>>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The table.
    Default,
    /// This file.
    File(PathBuf),
    /// This variable.
    Variable(String),
}

impl Display for Origin {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => to.write_str("the defaults"),
            Self::File(path) => write!(to, "{}", path.display()),
            Self::Variable(name) => write!(to, "the variable {name}"),
        }
    }
}

/// All settings in force. Its `Display` is TOML with each key's documentation
/// and origin; secrets print as `[redacted]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Every documented key in the table's order.
    pub entries: Vec<Entry>,
}

/// One key with its value in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The section it stands in.
    pub section: Section,
    /// The key.
    pub key: Key,
    /// The value as TOML text, `[redacted]` for a secret, `None` where it is
    /// not set.
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
}

impl Sources {
    /// The given file and the variables of this process.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_process(file: Option<&Path>) -> Result<Self, SettingsError> {
        let file = file.map(read).transpose()?;
        Ok(Self {
            file,
            variables: None,
        })
    }

    /// This text as the file `path`, and these variables.
    pub fn given<'a>(
        path: &Path,
        text: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            file: Some((path.to_owned(), text.to_owned())),
            variables: Some(variables.into_iter().map(owned).collect()),
        }
    }

    /// The settings as their type.
    ///
    /// # Errors
    /// [`SettingsError`], each naming the key and where it came from.
    pub fn load<T: Settings>(&self) -> Result<T, SettingsError> {
        let (merged, _) = self.merged(&T::sections())?;
        merged.try_deserialize().map_err(SettingsError::Invalid)
    }

    /// The settings key by key. They are loaded as well, so that what is
    /// printed is also what would work.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn effective<T: Settings>(&self) -> Result<Effective, SettingsError> {
        let sections = T::sections();
        let (merged, origins) = self.merged(&sections)?;
        let values = leaves(merged.collect().map_err(SettingsError::Invalid)?);
        let entry = |section: &Section, key: &Key| {
            let dotted = section.dotted(key);
            let value = values.get(&dotted).map(|value| match key.secret {
                true => "[redacted]".to_owned(),
                false => literal(&value.kind),
            });
            Entry {
                section: *section,
                key: *key,
                value,
                origin: origins.get(&dotted).cloned().unwrap_or(Origin::Default),
            }
        };
        let entries = sections
            .iter()
            .flat_map(|section| section.keys.iter().map(move |key| entry(section, key)))
            .collect();
        merged
            .try_deserialize::<T>()
            .map_err(SettingsError::Invalid)?;
        Ok(Effective { entries })
    }

    /// All layers as one, and where each given key came from.
    fn merged(
        &self,
        sections: &[Section],
    ) -> Result<(Config, BTreeMap<String, Origin>), SettingsError> {
        let defaults = toml(&defaults(sections)).map_err(SettingsError::Invalid)?;
        let kinds = leaves(defaults.clone());
        let mut origins = BTreeMap::new();
        let mut layers = vec![defaults];
        if let Some((path, text)) = &self.file {
            let given = toml(text).map_err(|source| SettingsError::Syntax {
                path: path.clone(),
                source,
            })?;
            let origin = |dotted: &String| (dotted.clone(), Origin::File(path.clone()));
            origins.extend(leaves(given.clone()).keys().map(origin));
            layers.push(given);
        }
        let given = self.variables().map_err(SettingsError::Invalid)?;
        let mut typed = Map::new();
        for (dotted, text) in given {
            let name = variable(&dotted);
            let kind = fitting(text, kinds.get(&dotted).map(|value| &value.kind));
            typed.insert(dotted.clone(), Value::new(Some(&name), kind));
            origins.insert(dotted, Origin::Variable(name));
        }
        layers.push(typed);
        let unknown = unknown(sections, &origins);
        if !unknown.is_empty() {
            return Err(SettingsError::Unknown(unknown));
        }
        let builder = layers
            .into_iter()
            .fold(Config::builder(), |builder, layer| {
                builder.add_source(Layer(layer))
            });
        let merged = builder.build().map_err(SettingsError::Invalid)?;
        Ok((merged, origins))
    }

    /// The variables that are settings, by dotted name. An empty one counts
    /// as not set.
    fn variables(&self) -> Result<BTreeMap<String, String>, ConfigError> {
        let environment = Environment::with_prefix("POSTERN")
            .prefix_separator("__")
            .separator("__")
            .ignore_empty(true)
            .source(self.variables.clone());
        let collected = environment.collect()?;
        let text = |(dotted, value): (String, Value)| Ok((dotted, value.into_string()?));
        collected.into_iter().map(text).collect()
    }
}

impl Display for Effective {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = None;
        for entry in &self.entries {
            let Entry { key, origin, .. } = entry;
            if section != Some(entry.section.name) {
                if section.is_some() {
                    writeln!(to)?;
                }
                writeln!(to, "# {}", entry.section.doc)?;
                if !entry.section.name.is_empty() {
                    writeln!(to, "[{}]", entry.section.name)?;
                }
                section = Some(entry.section.name);
            }
            writeln!(to, "\n# {}", key.doc)?;
            match &entry.value {
                Some(value) => writeln!(to, "{} = {value} # from {origin}", key.path)?,
                None => writeln!(to, "# {} is not set", key.path)?,
            }
        }
        Ok(())
    }
}

/// Keys and values ready to be merged.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

fn read(path: &Path) -> Result<(PathBuf, String), SettingsError> {
    let bytes =
        crate::private_files::read_public(path, LARGEST_FILE).map_err(SettingsError::File)?;
    let text = String::from_utf8(bytes).map_err(|error| SettingsError::Syntax {
        path: path.to_owned(),
        source: ConfigError::Foreign(Box::new(error)),
    })?;
    Ok((path.to_owned(), text))
}

fn toml(text: &str) -> Result<Map<String, Value>, ConfigError> {
    File::from_str(text, FileFormat::Toml).collect()
}

/// Every value that is no table, by dotted name.
fn leaves(table: Map<String, Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, Value)> = table.into_iter().collect();
    while let Some((dotted, value)) = open.pop() {
        match value.kind {
            ValueKind::Table(inner) => open.extend(
                inner
                    .into_iter()
                    .map(|(name, value)| (format!("{dotted}.{name}"), value)),
            ),
            _ => {
                found.insert(dotted, value);
            }
        }
    }
    found
}

/// A variable's text as the kind of value its key has; as text where the key
/// has no default or the text does not fit, which loading then reports.
fn fitting(text: String, default: Option<&ValueKind>) -> ValueKind {
    let parsed = match default {
        Some(ValueKind::Array(_)) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let values = items.map(|item| Value::new(None, ValueKind::String(item.to_owned())));
            Some(ValueKind::Array(values.collect()))
        }
        Some(ValueKind::Boolean(_)) => text.to_lowercase().parse().ok().map(ValueKind::Boolean),
        Some(ValueKind::I64(_)) => text.parse().ok().map(ValueKind::I64),
        Some(ValueKind::Float(_)) => text.parse().ok().map(ValueKind::Float),
        _ => None,
    };
    parsed.unwrap_or(ValueKind::String(text))
}

fn unknown(sections: &[Section], origins: &BTreeMap<String, Origin>) -> Vec<UnknownKey> {
    let known: Vec<String> = sections
        .iter()
        .flat_map(|section| section.keys.iter().map(|key| section.dotted(key)))
        .collect();
    origins
        .iter()
        .filter(|(given, _)| !known.contains(given))
        .map(|(given, origin)| UnknownKey {
            key: given.clone(),
            origin: origin.clone(),
            nearest: nearest(given, &known),
        })
        .collect()
}

fn nearest(given: &str, known: &[String]) -> Option<String> {
    known
        .iter()
        .map(|key| (strsim::normalized_damerau_levenshtein(given, key), key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, key)| key.clone())
}

/// A value as TOML text.
fn literal(kind: &ValueKind) -> String {
    match kind {
        // JSON's escapes are TOML's, too.
        ValueKind::String(text) => serde_json::Value::from(text.as_str()).to_string(),
        ValueKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(&item.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

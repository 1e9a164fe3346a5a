//! An in-process bus whose next compare-and-set goes unconfirmed, and that
//! counts what is fetched.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use runtime::bus::{
    Bucket, Bus, BusState, BusUnavailable, Cause, Entry, Follow, LocalBus, Log, Requests, Watch,
    WriteError,
};

/// When the connection breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    BeforeWriting,
    AfterWriting,
}

#[derive(Debug, Clone)]
pub(crate) struct FlakyBus {
    bus: LocalBus,
    next: Arc<Mutex<Option<Fault>>>,
    fetches: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl FlakyBus {
    pub(crate) fn new() -> Self {
        Self {
            bus: LocalBus::new(),
            next: Arc::default(),
            fetches: Arc::default(),
        }
    }

    /// How often the blob of this name was asked for.
    pub(crate) fn fetches(&self, name: &str) -> usize {
        let fetches = self.fetches.lock().unwrap();
        fetches.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn next_compare_and_set(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some(fault);
    }
}

#[async_trait]
impl Bus for FlakyBus {
    async fn read(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusUnavailable> {
        self.bus.read(bucket, key).await
    }

    async fn create(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError> {
        self.bus.create(bucket, key, value, life).await
    }

    async fn compare_and_set(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
    ) -> Result<u64, WriteError> {
        let fault = self.next.lock().unwrap().take();
        let unknown = BusUnavailable::new("compare and set", Cause::Deadline);
        if let Some(Fault::BeforeWriting) = fault {
            return Err(unknown.into());
        }
        let set = self.bus.compare_and_set(bucket, key, value, expected).await;
        match fault {
            Some(_) => Err(unknown.into()),
            None => set,
        }
    }

    async fn put(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError> {
        self.bus.put(bucket, key, value, life).await
    }

    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<Watch, BusUnavailable> {
        self.bus.watch(bucket, prefix).await
    }

    async fn put_blob(&self, name: &str, blob: Bytes) -> Result<(), WriteError> {
        self.bus.put_blob(name, blob).await
    }

    async fn blob(&self, name: &str) -> Result<Option<Bytes>, BusUnavailable> {
        *self
            .fetches
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default() += 1;
        self.bus.blob(name).await
    }

    async fn blobs(&self) -> Result<Vec<String>, BusUnavailable> {
        self.bus.blobs().await
    }

    async fn remove_blob(&self, name: &str) -> Result<(), BusUnavailable> {
        self.bus.remove_blob(name).await
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, BusUnavailable> {
        self.bus.request(subject, payload, deadline).await
    }

    async fn serve(&self, subject: &str) -> Result<Requests, BusUnavailable> {
        self.bus.serve(subject).await
    }

    async fn append(&self, log: Log, record: Bytes) -> Result<u64, WriteError> {
        self.bus.append(log, record).await
    }

    async fn follow(&self, log: Log, after: u64) -> Result<Follow, BusUnavailable> {
        self.bus.follow(log, after).await
    }

    fn state(&self) -> tokio::sync::watch::Receiver<BusState> {
        self.bus.state()
    }
}

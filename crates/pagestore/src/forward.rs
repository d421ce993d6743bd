//! Writing a page store that stands in front of another.

/// Forwards the named methods of [`crate::PageStore`] to a field, in an `impl` that writes the
/// others itself.
///
/// ```text
/// impl PageStore for Counting {
///     forward_page_store!(inner: claim, read, resolve, …);
///     fn commit(…) { … }
/// }
/// ```
#[macro_export]
macro_rules! forward_page_store {
    ($field:ident: $($method:ident),+ $(,)?) => {
        $($crate::forward_page_store!(@ $field $method);)+
    };
    (@ $field:ident claim) => {
        fn claim(
            &self,
            actor: &$crate::ActorId,
            options: &$crate::ClaimOptions,
        ) -> ::std::result::Result<$crate::Claim, $crate::StoreError> {
            self.$field.claim(actor, options)
        }
    };
    (@ $field:ident read) => {
        fn read(
            &self,
            lease: &$crate::Lease,
            txid: $crate::Txid,
            pages: &[$crate::Pgno],
            sink: &mut dyn $crate::PageSink,
        ) -> ::std::result::Result<(), $crate::StoreError> {
            self.$field.read(lease, txid, pages, sink)
        }
    };
    (@ $field:ident commit) => {
        fn commit(
            &self,
            lease: &$crate::Lease,
            request: &$crate::CommitRequest<'_>,
        ) -> ::std::result::Result<$crate::Committed, $crate::StoreError> {
            self.$field.commit(lease, request)
        }
    };
    (@ $field:ident stage) => {
        fn stage(
            &self,
            lease: &$crate::Lease,
            request: &$crate::StageRequest<'_>,
        ) -> ::std::result::Result<(), $crate::StoreError> {
            self.$field.stage(lease, request)
        }
    };
    (@ $field:ident read_staged) => {
        fn read_staged(
            &self,
            lease: &$crate::Lease,
            commit_id: $crate::CommitId,
            pages: &[$crate::Pgno],
            sink: &mut dyn $crate::PageSink,
        ) -> ::std::result::Result<(), $crate::StoreError> {
            self.$field.read_staged(lease, commit_id, pages, sink)
        }
    };
    (@ $field:ident discard) => {
        fn discard(&self, lease: &$crate::Lease, commit_id: $crate::CommitId) {
            self.$field.discard(lease, commit_id);
        }
    };
    (@ $field:ident save_hints) => {
        fn save_hints(
            &self,
            lease: &$crate::Lease,
            hints: &$crate::Hints,
        ) -> ::std::result::Result<(), $crate::StoreError> {
            self.$field.save_hints(lease, hints)
        }
    };
    (@ $field:ident resolve) => {
        fn resolve(
            &self,
            lease: &$crate::Lease,
            commit_id: $crate::CommitId,
        ) -> ::std::result::Result<$crate::Resolution, $crate::StoreError> {
            self.$field.resolve(lease, commit_id)
        }
    };
    (@ $field:ident wait_durable) => {
        fn wait_durable(&self, ticket: $crate::Ticket) -> ::std::result::Result<(), $crate::StoreError> {
            self.$field.wait_durable(ticket)
        }
    };
    (@ $field:ident on_durable) => {
        fn on_durable(&self, ticket: $crate::Ticket, callback: $crate::DurableCallback) {
            self.$field.on_durable(ticket, callback);
        }
    };
    (@ $field:ident durable) => {
        fn durable(&self) -> $crate::Ticket {
            self.$field.durable()
        }
    };
    (@ $field:ident release) => {
        fn release(&self, lease: &$crate::Lease) {
            self.$field.release(lease);
        }
    };
}

// A window's record as one message, and back: the ledger's table `record`.
#ifndef SEMLINK_COORDINATOR_STORED_WINDOW_H_
#define SEMLINK_COORDINATOR_STORED_WINDOW_H_

#include "coordinator/window_record.h"
#include "semlink/v1/ledger.pb.h"

namespace semlink::coordinator {

// FromStored(ToStored(record)) is the record, to the last bit, if its times are finite.
v1::StoredWindow ToStored(const WindowRecord& record);
WindowRecord FromStored(const v1::StoredWindow& stored);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_STORED_WINDOW_H_

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Type hashes per function and release, in the order of enum mc_release; taken from recorded
 * traffic of each release, and recomputed from the schema by tests/unit/core/wire/schema_test.c.
 */
#include "core/wire/schema.h"

const struct wire_hashes mc_wire_hashes[MC_FN_COUNT] = {
	[MC_FN_EXIST_KEY] = {
		.args = {0x9dcffa76, 0x9dcffa76, 0x9dcffa76, 0x9dcffa76,
			 0x9dcffa76, 0x9dcffa76, 0x7cf91ed8, 0x7cf91ed8},
		.result = {0x90e800d2, 0x90e800d2, 0x90e800d2, 0x90e800d2,
			   0x90e800d2, 0x90e800d2, 0x90e800d2, 0x90e800d2},
	},
	[MC_FN_BATCH_QUERY_IP] = {
		.args = {0, 0, 0xa1eea206, 0xa1eea206,
			 0xa1eea206, 0xa1eea206, 0xa1eea206, 0xa1eea206},
		.result = {0, 0, 0xf594fb3c, 0xf594fb3c,
			   0xf594fb3c, 0xf594fb3c, 0xf594fb3c, 0xf594fb3c},
	},
	[MC_FN_BATCH_REPLICA_CLEAR] = {
		.args = {0, 0, 0x472b2fa2, 0x472b2fa2,
			 0x472b2fa2, 0x472b2fa2, 0x472b2fa2, 0x472b2fa2},
		.result = {0, 0, 0xe108bdea, 0xe108bdea,
			   0xe108bdea, 0xe108bdea, 0xe108bdea, 0xe108bdea},
	},
	[MC_FN_GET_REPLICA_LIST_BY_REGEX] = {
		.args = {0x9dcffa76, 0x9dcffa76, 0x9dcffa76, 0x9dcffa76,
			 0x9dcffa76, 0x9dcffa76, 0x7cf91ed8, 0x7cf91ed8},
		.result = {0xebd6a136, 0x429c12e8, 0xa50aaf2e, 0x11dca472,
			   0x11dca472, 0xf67fa572, 0xf67fa572, 0x7343c040},
	},
	[MC_FN_GET_REPLICA_LIST] = {
		.args = {0x9dcffa76, 0x9dcffa76, 0x9dcffa76, 0x9dcffa76,
			 0x9dcffa76, 0x9dcffa76, 0x7cf91ed8, 0x7cf91ed8},
		.result = {0xcaeb9bf4, 0xa68273aa, 0xb67eec78, 0x8362cb40,
			   0x8362cb40, 0x75ecf440, 0x75ecf440, 0x88c6276c},
	},
	[MC_FN_BATCH_GET_REPLICA_LIST] = {
		.args = {0x8a86e11a, 0x8a86e11a, 0x8a86e11a, 0x8a86e11a,
			 0x8a86e11a, 0x8a86e11a, 0x00f78d62, 0x00f78d62},
		.result = {0x48c58bc6, 0xe1803126, 0x5919decc, 0x9d4c4ca0,
			   0x9d4c4ca0, 0x0a20c6b8, 0x0a20c6b8, 0x20c5453a},
	},
	[MC_FN_PUT_START] = {
		.args = {0xeb00de1c, 0x2eb40706, 0x786e5846, 0x786e5846,
			 0x66ce6bf6, 0x5dddcc88, 0x6920ea5c, 0xe385bd0e},
		.result = {0xcaeb9bf4, 0xf2a8e5ec, 0xb9fcf8f0, 0xeb40e5b4,
			   0xeb40e5b4, 0x12e5cdba, 0x12e5cdba, 0xc43927a6},
	},
	[MC_FN_PUT_END] = {
		.args = {0x081b904a, 0x081b904a, 0x61232de0, 0x61232de0,
			 0x61232de0, 0x61232de0, 0x1b7a228a, 0xd1819222},
		.result = {0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_PUT_REVOKE] = {
		.args = {0x081b904a, 0x081b904a, 0x61232de0, 0x61232de0,
			 0x61232de0, 0x61232de0, 0x1b7a228a, 0x1b7a228a},
		.result = {0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_BATCH_PUT_START] = {
		.args = {0x008957b0, 0x82e01884, 0x990568ce, 0x990568ce,
			 0xa2f1f15c, 0xcc9bc312, 0x80485c74, 0x5870c0a4},
		.result = {0x48c58bc6, 0x77c817be, 0x41d6f5a8, 0x9154d1d6,
			   0x9154d1d6, 0xac1d82a2, 0xac1d82a2, 0xad006d02},
	},
	[MC_FN_BATCH_PUT_END] = {
		.args = {0x8a86e11a, 0x8a86e11a, 0x581e61a4, 0x581e61a4,
			 0x581e61a4, 0x3af685d6, 0x94ee5d44, 0xf57ea7c8},
		.result = {0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce,
			   0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce},
	},
	[MC_FN_BATCH_PUT_REVOKE] = {
		.args = {0x8a86e11a, 0x8a86e11a, 0x581e61a4, 0x581e61a4,
			 0x581e61a4, 0x3af685d6, 0x94ee5d44, 0x94ee5d44},
		.result = {0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce,
			   0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce},
	},
	[MC_FN_UPSERT_START] = {
		.args = {0, 0, 0, 0,
			 0x66ce6bf6, 0x5dddcc88, 0x6920ea5c, 0xe385bd0e},
		.result = {0, 0, 0, 0,
			   0xeb40e5b4, 0x12e5cdba, 0x12e5cdba, 0xc43927a6},
	},
	[MC_FN_UPSERT_END] = {
		.args = {0, 0, 0, 0,
			 0x61232de0, 0x61232de0, 0x1b7a228a, 0xd1819222},
		.result = {0, 0, 0, 0,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_UPSERT_REVOKE] = {
		.args = {0, 0, 0, 0,
			 0x61232de0, 0x61232de0, 0x1b7a228a, 0x1b7a228a},
		.result = {0, 0, 0, 0,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_BATCH_UPSERT_START] = {
		.args = {0, 0, 0, 0,
			 0xa2f1f15c, 0xcc9bc312, 0x80485c74, 0x5870c0a4},
		.result = {0, 0, 0, 0,
			   0x9154d1d6, 0xac1d82a2, 0xac1d82a2, 0xad006d02},
	},
	[MC_FN_BATCH_UPSERT_END] = {
		.args = {0, 0, 0, 0,
			 0x581e61a4, 0x581e61a4, 0xd6091496, 0xdce93710},
		.result = {0, 0, 0, 0,
			   0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce},
	},
	[MC_FN_BATCH_UPSERT_REVOKE] = {
		.args = {0, 0, 0, 0,
			 0x581e61a4, 0x581e61a4, 0xd6091496, 0xd6091496},
		.result = {0, 0, 0, 0,
			   0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce},
	},
	[MC_FN_REMOVE] = {
		.args = {0x9dcffa76, 0x9dcffa76, 0x9dcffa76, 0xdbcf8900,
			 0xdbcf8900, 0xdbcf8900, 0x18e89fee, 0x18e89fee},
		.result = {0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_REMOVE_BY_REGEX] = {
		.args = {0x9dcffa76, 0x9dcffa76, 0x9dcffa76, 0xdbcf8900,
			 0xdbcf8900, 0xdbcf8900, 0x18e89fee, 0x18e89fee},
		.result = {0xb83381fe, 0xb83381fe, 0xb83381fe, 0xb83381fe,
			   0xb83381fe, 0xb83381fe, 0xb83381fe, 0xb83381fe},
	},
	[MC_FN_REMOVE_ALL] = {
		.args = {0, 0, 0, 0x13c8ffd8,
			 0x13c8ffd8, 0x13c8ffd8, 0x48a6c274, 0x48a6c274},
		.result = {0x86666834, 0x86666834, 0x86666834, 0x86666834,
			   0x86666834, 0x86666834, 0x86666834, 0x86666834},
	},
	[MC_FN_BATCH_REMOVE] = {
		.args = {0, 0, 0, 0,
			 0xa389d4d8, 0xa389d4d8, 0x197a9ca0, 0x197a9ca0},
		.result = {0, 0, 0, 0,
			   0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce},
	},
	[MC_FN_MOUNT_SEGMENT] = {
		.args = {0xd7ccc6f4, 0x70fcb3da, 0x70fcb3da, 0x0f2fcc18,
			 0x0f2fcc18, 0x0f2fcc18, 0x9ef70dae, 0x9ef70dae},
		.result = {0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_MOUNT_NOF_SEGMENT] = {
		.args = {0, 0, 0, 0,
			 0, 0x70fcb3da, 0x70fcb3da, 0x70fcb3da},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_REMOUNT_SEGMENT] = {
		.args = {0xed067e40, 0xc3ddcd16, 0xc3ddcd16, 0xecb9930c,
			 0xecb9930c, 0xecb9930c, 0xc6c66b88, 0xc6c66b88},
		.result = {0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_REMOUNT_NOF_SEGMENT] = {
		.args = {0, 0, 0, 0,
			 0, 0xc3ddcd16, 0xc3ddcd16, 0xc3ddcd16},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_UNMOUNT_SEGMENT] = {
		.args = {0xd4c512e0, 0xd4c512e0, 0xd4c512e0, 0xd4c512e0,
			 0xd4c512e0, 0xd4c512e0, 0xd4c512e0, 0xd4c512e0},
		.result = {0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_GRACEFUL_UNMOUNT_SEGMENT] = {
		.args = {0, 0, 0, 0,
			 0, 0x8e092e9c, 0x8e092e9c, 0x8e092e9c},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_UNMOUNT_NOF_SEGMENT] = {
		.args = {0, 0, 0, 0,
			 0, 0xd4c512e0, 0xd4c512e0, 0xd4c512e0},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_GET_ALL_NOF_SEGMENTS] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0},
		.result = {0, 0, 0, 0,
			   0, 0x8c274b46, 0x8c274b46, 0x8c274b46},
	},
	[MC_FN_GET_NOF_SEGMENTS_BY_NAME] = {
		.args = {0, 0, 0, 0,
			 0, 0x9dcffa76, 0x9dcffa76, 0x9dcffa76},
		.result = {0, 0, 0, 0,
			   0, 0xaab07daa, 0xaab07daa, 0xaab07daa},
	},
	[MC_FN_PING] = {
		.args = {0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0,
			 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0},
		.result = {0x742a8f52, 0x742a8f52, 0x742a8f52, 0x742a8f52,
			   0x742a8f52, 0x742a8f52, 0x742a8f52, 0x742a8f52},
	},
	[MC_FN_GET_FSDIR] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0},
		.result = {0x1cb3cc34, 0x1cb3cc34, 0x1cb3cc34, 0x1cb3cc34,
			   0x1cb3cc34, 0x1cb3cc34, 0x1cb3cc34, 0x1cb3cc34},
	},
	[MC_FN_QUERY_SEGMENT_STATUS] = {
		.args = {0, 0, 0, 0,
			 0, 0x9dcffa76, 0x9dcffa76, 0x9dcffa76},
		.result = {0, 0, 0, 0,
			   0, 0x9851e9a8, 0x9851e9a8, 0x9851e9a8},
	},
	[MC_FN_QUERY_SEGMENT_STATUS_BY_ID] = {
		.args = {0, 0, 0, 0,
			 0, 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0},
		.result = {0, 0, 0, 0,
			   0, 0x9851e9a8, 0x9851e9a8, 0x9851e9a8},
	},
	[MC_FN_GET_STORAGE_CONFIG] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0},
		.result = {0, 0, 0x9cb568ea, 0x9cb568ea,
			   0x9cb568ea, 0x9cb568ea, 0x9cb568ea, 0x9cb568ea},
	},
	[MC_FN_BATCH_EXIST_KEY] = {
		.args = {0x8a86e11a, 0x8a86e11a, 0x8a86e11a, 0x8a86e11a,
			 0x8a86e11a, 0x8a86e11a, 0x00f78d62, 0x00f78d62},
		.result = {0x2a5f8c5c, 0x2a5f8c5c, 0x2a5f8c5c, 0x2a5f8c5c,
			   0x2a5f8c5c, 0x2a5f8c5c, 0x2a5f8c5c, 0x2a5f8c5c},
	},
	[MC_FN_SERVICE_READY] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0},
		.result = {0, 0xaf2868cc, 0x1cb3cc34, 0x1cb3cc34,
			   0x1cb3cc34, 0x1cb3cc34, 0x1cb3cc34, 0x1cb3cc34},
	},
	[MC_FN_MOUNT_LOCAL_DISK_SEGMENT] = {
		.args = {0, 0, 0xbfd50c0e, 0xbfd50c0e,
			 0xbfd50c0e, 0xbfd50c0e, 0xbfd50c0e, 0xbfd50c0e},
		.result = {0, 0, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_UNMOUNT_LOCAL_DISK_SEGMENT] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0x3c6d83e0},
		.result = {0, 0, 0, 0,
			   0, 0, 0, 0xaf2868cc},
	},
	[MC_FN_OFFLOAD_OBJECT_HEARTBEAT] = {
		.args = {0, 0, 0xbfd50c0e, 0xbfd50c0e,
			 0xbfd50c0e, 0xbfd50c0e, 0xbfd50c0e, 0xbfd50c0e},
		.result = {0, 0, 0xd60d665a, 0xd60d665a,
			   0xd60d665a, 0xd60d665a, 0x724674e6, 0x724674e6},
	},
	[MC_FN_REPORT_SSD_CAPACITY] = {
		.args = {0, 0, 0, 0,
			 0, 0x70a841e4, 0x70a841e4, 0x70a841e4},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_NOTIFY_OFFLOAD_SUCCESS] = {
		.args = {0, 0, 0x0e729818, 0x0e729818,
			 0x0e729818, 0x0e729818, 0xd4e79a92, 0xd4e79a92},
		.result = {0, 0, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_PROMOTION_OBJECT_HEARTBEAT] = {
		.args = {0, 0, 0, 0,
			 0, 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0},
		.result = {0, 0, 0, 0,
			   0, 0xd60d665a, 0x724674e6, 0x724674e6},
	},
	[MC_FN_PROMOTION_ALLOC_START] = {
		.args = {0, 0, 0, 0,
			 0, 0x0e0cafe4, 0xc6e729cc, 0xc6e729cc},
		.result = {0, 0, 0, 0,
			   0, 0x2e4a74ce, 0x2e4a74ce, 0x5c032896},
	},
	[MC_FN_NOTIFY_PROMOTION_SUCCESS] = {
		.args = {0, 0, 0, 0,
			 0, 0x1fce199e, 0x6a2101f4, 0x6a2101f4},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_NOTIFY_PROMOTION_FAILURE] = {
		.args = {0, 0, 0, 0,
			 0, 0x1fce199e, 0x6a2101f4, 0x6a2101f4},
		.result = {0, 0, 0, 0,
			   0, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_COPY_START] = {
		.args = {0, 0, 0, 0x14827658,
			 0x14827658, 0x14827658, 0xb5bddd1a, 0xb5bddd1a},
		.result = {0, 0, 0, 0xba59eaa6,
			   0xba59eaa6, 0x3a0eef84, 0x3a0eef84, 0x7c1668cc},
	},
	[MC_FN_DYNAMIC_REPLICA_COPY_START] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0x4e78be0e},
		.result = {0, 0, 0, 0,
			   0, 0, 0, 0x7c1668cc},
	},
	[MC_FN_COPY_END] = {
		.args = {0, 0, 0, 0x1fce199e,
			 0x1fce199e, 0x1fce199e, 0x6a2101f4, 0x6a2101f4},
		.result = {0, 0, 0, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_DYNAMIC_REPLICA_COPY_END] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0xa1da4cba},
		.result = {0, 0, 0, 0,
			   0, 0, 0, 0xaf2868cc},
	},
	[MC_FN_COPY_REVOKE] = {
		.args = {0, 0, 0, 0x1fce199e,
			 0x1fce199e, 0x1fce199e, 0x6a2101f4, 0x6a2101f4},
		.result = {0, 0, 0, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_DYNAMIC_REPLICA_COPY_REVOKE] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0, 0xa1da4cba},
		.result = {0, 0, 0, 0,
			   0, 0, 0, 0xaf2868cc},
	},
	[MC_FN_MOVE_START] = {
		.args = {0, 0, 0, 0x134529b8,
			 0x134529b8, 0x134529b8, 0xef2ee70c, 0xef2ee70c},
		.result = {0, 0, 0, 0x957e58a0,
			   0x957e58a0, 0x97f25be0, 0x97f25be0, 0x3e9ed4b8},
	},
	[MC_FN_MOVE_END] = {
		.args = {0, 0, 0, 0x1fce199e,
			 0x1fce199e, 0x1fce199e, 0x6a2101f4, 0x6a2101f4},
		.result = {0, 0, 0, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_MOVE_REVOKE] = {
		.args = {0, 0, 0, 0x1fce199e,
			 0x1fce199e, 0x1fce199e, 0x6a2101f4, 0x6a2101f4},
		.result = {0, 0, 0, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_EVICT_DISK_REPLICA] = {
		.args = {0, 0, 0, 0,
			 0x61232de0, 0x61232de0, 0xf47f2e6a, 0xf47f2e6a},
		.result = {0, 0, 0, 0,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_BATCH_EVICT_DISK_REPLICA] = {
		.args = {0, 0, 0, 0,
			 0x3af685d6, 0x3af685d6, 0xd1251872, 0xd1251872},
		.result = {0, 0, 0, 0,
			   0x39fc52ce, 0x39fc52ce, 0x39fc52ce, 0x39fc52ce},
	},
	[MC_FN_POLL_REMOVE_ALL] = {
		.args = {0, 0, 0, 0,
			 0, 0, 0x3c6d83e0, 0x3c6d83e0},
		.result = {0, 0, 0, 0,
			   0, 0, 0x90e800d2, 0x90e800d2},
	},
	[MC_FN_CREATE_COPY_TASK] = {
		.args = {0, 0, 0xd1dc057a, 0xd1dc057a,
			 0xd1dc057a, 0xd1dc057a, 0x5e43cb12, 0x5e43cb12},
		.result = {0, 0, 0x8f9bae8a, 0x8f9bae8a,
			   0x8f9bae8a, 0x8f9bae8a, 0x8f9bae8a, 0x8f9bae8a},
	},
	[MC_FN_CREATE_MOVE_TASK] = {
		.args = {0, 0, 0xa429cc38, 0xa429cc38,
			 0xa429cc38, 0xa429cc38, 0x311dab7a, 0x311dab7a},
		.result = {0, 0, 0x8f9bae8a, 0x8f9bae8a,
			   0x8f9bae8a, 0x8f9bae8a, 0x8f9bae8a, 0x8f9bae8a},
	},
	[MC_FN_QUERY_TASK] = {
		.args = {0, 0, 0x3c6d83e0, 0x3c6d83e0,
			 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0, 0x3c6d83e0},
		.result = {0, 0, 0x02d57de6, 0x02d57de6,
			   0x02d57de6, 0x02d57de6, 0x02d57de6, 0x02d57de6},
	},
	[MC_FN_FETCH_TASKS] = {
		.args = {0, 0, 0x759a9b84, 0x759a9b84,
			 0x759a9b84, 0x759a9b84, 0x759a9b84, 0x759a9b84},
		.result = {0, 0, 0xd5d6e89e, 0xd5d6e89e,
			   0x59e14526, 0x59e14526, 0x59e14526, 0x59e14526},
	},
	[MC_FN_MARK_TASK_TO_COMPLETE] = {
		.args = {0, 0, 0x22069e02, 0x22069e02,
			 0x22069e02, 0x22069e02, 0x22069e02, 0x22069e02},
		.result = {0, 0, 0xaf2868cc, 0xaf2868cc,
			   0xaf2868cc, 0xaf2868cc, 0xaf2868cc, 0xaf2868cc},
	},
	[MC_FN_BATCH_PUT_START_WAIT] = {
		.args = {[MC_RELEASE_0_3_13] = 0xa8655a02},
		.result = {[MC_RELEASE_0_3_13] = 0xad006d02},
	},
	[MC_FN_CLIENT_FEATURES] = {
		.args = {[MC_RELEASE_0_3_13] = 0x759a9b84},
		.result = {[MC_RELEASE_0_3_13] = 0xb83381fe},
	},
};

/* A sole argument may also come as a tuple of one: upstream's server takes both. */
static const struct {
	uint32_t type;
	uint32_t tuple;
} tuples[] = {
	{0x13c8ffd8, 0x5386fa00},
	{0x3c6d83e0, 0xd0e2bdae},
	{0x8a86e11a, 0x59c7dd54},
	{0x9dcffa76, 0x3c785b6a},
	{0xa1eea206, 0xce226ec0},
};

uint32_t
mc_wire_tuple_hash(uint32_t type)
{
	for (size_t i = 0; i < sizeof(tuples) / sizeof(tuples[0]); i++) {
		if (tuples[i].type == type)
			return tuples[i].tuple;
	}
	return 0;
}

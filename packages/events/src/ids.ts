/** 2020-01-01T00:00:00Z: row ids count milliseconds from here, so 41 bits last until 2089. */
export const ROW_ID_EPOCH = 1_577_836_800_000

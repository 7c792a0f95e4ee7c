/**
 * The columns that an import reads of each table of an existing system: all that the given tables have but who wrote a row. One that
 * is not there would be read as no value, and stand in the log for good.
 */
const COLUMNS: Readonly<Record<string, string>> = {
  eg_order_app_seller: `
    id channel seller_id order_app_id region spi_server_codes refresh_token refresh_token_expires_in
    refresh_token_expires_time attach_info create_time update_time deleted`,
  eg_order_order: `
    id channel order_app_seller_id order_id status buyer_id buyer_remark buyer_name buyer_phone buyer_email buyer_tax_id
    buyer_tax_type buyer_company_name receiver_address_line1 receiver_address_line2 receiver_address_detail
    receiver_city receiver_country_code receiver_province receiver_postal_code cancel_state cancelled_date creation_date
    creation_date_time last_modified_date last_modified_date_time order_fulfillment_status order_payment_status
    seller_id original_md5 create_time update_time deleted`,
  eg_order_order_detail: `
    id order_id line_item_id quantity title sku create_time update_time deleted`,
  eg_order_order_original: `
    id order_id original create_time update_time deleted`,
  eg_wework_event_member: `
    id suite_id auth_corp_id info_type timestamp change_type user_id open_user_id new_user_id name department
    main_department is_leader_in_dept direct_leader mobile position gender email biz_mail status avatar alias telephone
    mem_change_cnt create_time update_time deleted`,
  eg_wework_member: `
    id user_id name alias mobile position gender email biz_mail telephone direct_leader enable avatar_mediaid address
    main_department to_invite external_position create_time update_time deleted`,
  eg_wework_member_dept: `
    id user_id name dept_id create_time update_time deleted`,
  eg_wework_department: `
    id dept_id name name_en parent_id create_time update_time deleted`,
}

/** Those of one table. */
export const columnsReadOf = (table: string): string[] => (COLUMNS[table] ?? '').trim().split(/\s+/)

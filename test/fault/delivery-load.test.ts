import { describeDeliveriesUnderLoad } from './delivery-load.ts'

describeDeliveriesUnderLoad('MySQL')

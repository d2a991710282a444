import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import { ledgerTable as drawn } from "../../lib/adapters/ledger-item.ts";

const types = { S: AttributeType.STRING, N: AttributeType.NUMBER } as const;

const keyOf = ({ partition, sort }: typeof drawn.key | (typeof drawn.indexes)[number]["key"]) => ({
  partitionKey: { name: partition.name, type: types[partition.type] },
  sortKey: { name: sort.name, type: types[sort.type] },
});

/** The ledger as `ledger-item.ts` draws it. It outlives its stack, and cannot be deleted by mistake. */
export const ledgerTable = (scope: Construct, prefix: string): Table => {
  const table = new Table(scope, "ledger", {
    tableName: `${prefix}ledger`,
    ...keyOf(drawn.key),
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.AWS_MANAGED,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    timeToLiveAttribute: drawn.timeToLive,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const { name, key } of drawn.indexes)
    table.addGlobalSecondaryIndex({
      indexName: name,
      ...keyOf(key),
      projectionType: ProjectionType.KEYS_ONLY,
    });
  return table;
};
